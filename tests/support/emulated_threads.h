// The threads of an emulated block: fibers, which hand over to one another where they wait, tens of times faster than
// threads of the system do. Those take their place where a sanitizer watches, which knows no fibers.
#pragma once

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#include <barrier>
#include <thread>
#else
#include <ucontext.h>
#endif
#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

namespace optdnn::tests {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)

using Barrier = std::barrier<>;

// Calls body(0), ..., body(count - 1) at once.
inline void run_threads(int count, const std::function<void(int thread)>& body) {
  std::vector<std::thread> others;
  for (int thread = 1; thread < count; ++thread) others.emplace_back(body, thread);
  body(0);
  for (std::thread& other : others) other.join();
}

#else

class Fibers {
 public:
  Fibers(int count, const std::function<void(int thread)>& body) : body_(body), fibers_(count) {
    running_ = this;
    for (Fiber& fiber : fibers_) {
      fiber.stack = std::make_unique_for_overwrite<char[]>(kStackBytes);
      ::getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.get();
      fiber.context.uc_stack.ss_size = kStackBytes;
      fiber.context.uc_link = &caller_;
      ::makecontext(
          &fiber.context, [] { running_->begin(); }, 0);
    }
    // Whoever ends comes back here, and the first that has not ended goes on.
    const auto is_left = [](const Fiber& fiber) { return !fiber.ended; };
    for (auto left = fibers_.begin(); left != fibers_.end();
         left = std::find_if(fibers_.begin(), fibers_.end(), is_left)) {
      current_ = left - fibers_.begin();
      ::swapcontext(&caller_, &left->context);
    }
  }

  // The next one goes on.
  static void hand_over() { running_->next(); }

 private:
  static constexpr size_t kStackBytes = 256 << 10;
  struct Fiber {
    std::unique_ptr<char[]> stack;
    ucontext_t context;
    bool ended = false;
  };
  void begin() {
    body_(static_cast<int>(current_));
    fibers_[current_].ended = true;
  }
  void next() {
    const size_t from = current_;
    do current_ = (current_ + 1) % fibers_.size();
    while (fibers_[current_].ended);
    if (current_ != from) ::swapcontext(&fibers_[from].context, &fibers_[current_].context);
  }

  static inline thread_local Fibers* running_ = nullptr;
  const std::function<void(int)>& body_;
  std::vector<Fiber> fibers_;
  size_t current_ = 0;
  ucontext_t caller_{};
};

class Barrier {
 public:
  explicit Barrier(int count) : count_(count) {}
  void arrive_and_wait() {
    const int phase = phase_;
    if (++arrived_ == count_) {
      arrived_ = 0;
      ++phase_;
    }
    while (phase_ == phase) Fibers::hand_over();
  }

 private:
  int count_, arrived_ = 0, phase_ = 0;
};

// Calls body(0), ..., body(count - 1), each until it waits.
inline void run_threads(int count, const std::function<void(int thread)>& body) {
  if (count == 1) return body(0);
  Fibers(count, body);
}

#endif

}  // namespace optdnn::tests
