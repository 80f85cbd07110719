// Adds up what blocks have left, in their order: sums, or the moments of channels. Each block's moments are about a number of its own, so
// that a large mean costs no digits: with d = about - about of the first, sum' = sum + n d, square' = square + 2 d sum
// + n d^2.
#pragma once

#include "optdnn/kernels/gpu/partial.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

// Calls finish(channel, both sums, the number they are about) for the kGatheredChannels from `first` on, as far as
// there are `channels`. Requires: two numbers of shared memory a thread, and that all of a block's threads come here.
template <class Finish>
DEVICE void gather(const Partial& left, int first, int channels, Finish finish) {
  const int rows = threads() / kGatheredChannels, row = thread() / kGatheredChannels;
  const int channel = first + thread() % kGatheredChannels, stride = left.made * kPartialNumbers;
  float sums[2] = {}, about = 0.0f;
  if (channel < channels && row < rows) {
    const long long part = channel / left.made * left.blocks;
    const float* from = left.sums + (part * left.made + channel % left.made) * kPartialNumbers;
    about = from[2];
    add_all(row, left.blocks, rows, sums, [&](int block, float(&more)[2]) {
      float of[kPartialNumbers];
      read(from + static_cast<long long>(block) * stride, of);
      const float d = of[2] - about;
      more[0] = of[0] + of[3] * d;
      more[1] = of[1] + d * (2.0f * of[0] + of[3] * d);
    });
  }
  float* shared = shared_memory();
  shared[thread()] = sums[0];
  shared[threads() + thread()] = sums[1];
  sync();
  if (row > 0 || channel >= channels) return;
  float all[2] = {};
  add_all(0, rows, 1, all, [&](int other, float(&more)[2]) {
    more[0] = shared[other * kGatheredChannels + thread()];
    more[1] = shared[threads() + other * kGatheredChannels + thread()];
  });
  finish(channel, all, about);
}

// The sum of what so many blocks have left at from, from + stride and so on. Each warp takes a share of them, the first
// one has the sum; its lanes add up numbers of their own. Requires: a number of shared memory a thread.
DEVICE float sum_of_blocks(const float* from, int stride, int blocks) {
  const int warps = threads() / 32, warp = thread() / 32;
  float sum = 0.0f;
  UNROLLED_BY_8
  for (int b = warp; b < blocks; b += warps) sum += from[static_cast<long long>(b) * stride];
  float* shared = shared_memory();
  shared[thread()] = sum;
  sync();
  if (warp == 0) {
    for (int w = 1; w < warps; ++w) sum += shared[w * 32 + thread()];
  }
  return sum;
}

}  // namespace optdnn::kernels::gpu
