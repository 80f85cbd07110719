#include "optdnn/base/share_out.h"

#include <c10/core/thread_pool.h>

#include <atomic>
#include <memory>

namespace optdnn::base {

namespace {

std::unique_ptr<c10::ThreadPool>& workers() {
  static std::unique_ptr<c10::ThreadPool> pool;
  return pool;
}

}  // namespace

void share_out(int64_t parts, const std::function<void(int64_t part)>& each) {
  std::atomic<int64_t> next = 0;
  const auto work = [&] {
    for (int64_t part = next++; part < parts; part = next++) each(part);
  };
  const auto& pool = workers();
  const int64_t helpers = pool ? std::min<int64_t>(static_cast<int64_t>(pool->size()), parts - 1) : 0;
  for (int64_t i = 0; i < helpers; ++i) pool->run(work);
  work();
  if (helpers > 0) pool->waitWorkComplete();
}

int sharing_threads() { return workers() ? static_cast<int>(workers()->size()) + 1 : 1; }

void set_sharing_threads(int threads) {
  if (threads == sharing_threads()) return;
  workers() = threads > 1 ? std::make_unique<c10::ThreadPool>(threads - 1) : nullptr;
}

}  // namespace optdnn::base
