// A make-believe accelerator: tensors in the CPU's memory whose device is not the CPU, so that a machine without a GPU
// runs what is written for one. LibTorch's dispatch key XPU, free in every build we use, is served by the CPU's
// kernels. What a GPU does otherwise is kept account of: the operators it is given, and where the host would wait for
// it.
//
// Proves that a program is right and never waits; says nothing about times, streams, or the numbers of a GPU's kernels.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace optdnn::tests {

torch::Device mock_device();

// An operator given to the device. Views and allocations are none: a GPU has nothing to do for them.
struct MockCall {
  std::string name;             // add_
  std::string text;             // add_(float [8, 16] @12, 0.1): @12 is memory that was there when the watch began
  std::function<void()> again;  // the same numbers, on the same memory, as a replayed graph does; only with `tape`
};

// Sees what the device is given while it lives, by any thread; one at a time.
class MockWatch {
 public:
  enum class Mode {
    count,
    tape,  // calls can be made again, and waiting is an error (c10::Error), as while a CUDA graph is recorded
  };
  explicit MockWatch(Mode mode = Mode::count);
  ~MockWatch();
  MockWatch(const MockWatch&) = delete;
  MockWatch& operator=(const MockWatch&) = delete;

  // Forgets what it has seen; what memory there is now is that of the beginning.
  void restart();

  const std::vector<MockCall>& calls() const { return calls_; }
  const std::vector<std::string>& waits() const { return waits_; }  // why, in turn
  std::map<std::string, int64_t> operators() const;                 // how often each was called

  // --- for the device ---
  bool keeps_tape() const { return mode_ == Mode::tape; }
  bool was_there(int64_t block) const { return block < first_new_block_; }
  void called(MockCall call) { calls_.push_back(std::move(call)); }
  void waited(const std::string& why);

 private:
  Mode mode_;
  int64_t first_new_block_ = 0;
  std::vector<MockCall> calls_;
  std::vector<std::string> waits_;
};

// The device's memory and random numbers as they are now, and back again.
class MockSnapshot {
 public:
  MockSnapshot();
  void restore() const;

 private:
  struct Copy {
    int64_t block;
    std::vector<char> bytes;
  };
  std::vector<Copy> copies_;
  torch::Tensor generator_;
};

// The memory made while the last tape was kept that no tensor of the host is on: other graphs of the same pool have it
// too.
class MockRoom {
 public:
  MockRoom();
  // As another graph leaves it: NaN, or -1.
  void spoil() const;

 private:
  struct Block {
    void* address;
    size_t bytes;
    c10::weak_intrusive_ptr<c10::StorageImpl> memory;
  };
  std::vector<Block> blocks_;
};

}  // namespace optdnn::tests
