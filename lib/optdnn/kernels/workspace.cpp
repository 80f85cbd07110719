#include "optdnn/kernels/workspace.h"

#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace optdnn::kernels {

namespace {

constexpr int64_t kPageBytes = int64_t{2} << 20;

struct Idle {
  ~Idle() { free_all(); }
  void free_all() {
    for (const auto& block : blocks) std::free(block.data);
    blocks.clear();
  }
  std::mutex mutex;
  std::vector<Workspace::Block> blocks;
};

Idle& idle() {
  static Idle kept;
  return kept;
}

Workspace::Block allocate(int64_t floats) {
  const int64_t bytes = (floats * static_cast<int64_t>(sizeof(float)) + kPageBytes - 1) / kPageBytes * kPageBytes;
  void* data = std::aligned_alloc(kPageBytes, bytes);
  if (!data) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  madvise(data, bytes, MADV_HUGEPAGE);  // advice: whether it is taken does not matter
#endif
  return {static_cast<float*>(data), bytes / static_cast<int64_t>(sizeof(float))};
}

}  // namespace

Workspace::Workspace(int64_t floats) {
  {
    const std::lock_guard lock(idle().mutex);
    auto& blocks = idle().blocks;
    if (!blocks.empty()) {
      block_ = blocks.back();
      blocks.pop_back();
    }
  }
  if (block_.floats >= floats) return;
  std::free(std::exchange(block_, {}).data);
  block_ = allocate(floats);
}

Workspace::~Workspace() {
  const std::lock_guard lock(idle().mutex);
  idle().blocks.push_back(block_);
}

int64_t idle_workspace_bytes() {
  const std::lock_guard lock(idle().mutex);
  int64_t floats = 0;
  for (const auto& block : idle().blocks) floats += block.floats;
  return floats * static_cast<int64_t>(sizeof(float));
}

void free_idle_workspaces() {
  const std::lock_guard lock(idle().mutex);
  idle().free_all();
}

}  // namespace optdnn::kernels
