// A GPU's blocks on a CPU. Without LibTorch.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "support/emulated_words.h"

namespace optdnn::tests {

// What the threads of a block share. A GPU clears no memory.
struct BlockMemory {
  template <class Grid>
  BlockMemory(int of_part, int block, const Grid& grid)
      : part(of_part),
        number(block),
        shared(grid.shared_floats, std::numeric_limits<float>::quiet_NaN()),
        across(grid.threads),
        barrier(grid.threads),
        warps(grid.threads / 32) {}
  int part, number;
  std::vector<float> shared, across;
  Barrier barrier;
  std::vector<kernels::gpu::Warp> warps;
};

// Calls kernel() as every thread of a grid (kernels/launcher.h), one block after the other, by the same threads, which
// do not wait for one another between two.
template <class Grid, class Kernel>
void run_blocks(const Grid& grid, const Kernel& kernel) {
  std::vector<std::unique_ptr<BlockMemory>> blocks;
  for (int part = 0; part < grid.parts; ++part) {
    for (int block = grid.blocks; block-- > 0;) {  // a GPU's begin in any order
      blocks.push_back(std::make_unique<BlockMemory>(part, block, grid));
    }
  }
  run_threads(grid.threads, [&](int thread) {
    for (const auto& block : blocks) {
      kernels::gpu::place.thread = thread;
      kernels::gpu::place.threads = grid.threads;
      kernels::gpu::place.block = block->number;
      kernels::gpu::place.blocks = grid.blocks;
      kernels::gpu::place.part = block->part;
      kernels::gpu::place.shared = block->shared.data();
      kernels::gpu::place.across = block->across.data();
      kernels::gpu::place.barrier = grid.threads > 1 ? &block->barrier : nullptr;
      kernels::gpu::place.warp = block->warps.empty() ? nullptr : &block->warps[thread / 32];
      kernel();
    }
  });
}

}  // namespace optdnn::tests
