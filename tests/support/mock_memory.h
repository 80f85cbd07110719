// The memory of the make-believe device, and who watches it; for mock_device.cpp and mock_operators.cpp alone.
#pragma once

#include <c10/core/Storage.h>
#include <torch/torch.h>

#include <map>
#include <mutex>

#include "support/mock_device.h"

namespace optdnn::tests {

inline constexpr c10::DeviceType kMock = c10::DeviceType::XPU;

struct MockBlock {
  int64_t number;  // in the order of allocation
  size_t bytes;
  c10::weak_intrusive_ptr<c10::StorageImpl> memory;  // the CPU's
};

// What all threads share. Blocks by their address.
struct MockState {
  std::recursive_mutex mutex;
  std::map<void*, MockBlock> blocks;
  std::vector<std::pair<void*, MockBlock>> made;  // since a tape was begun
  int64_t next_block = 0;
  MockWatch* watch = nullptr;
};
MockState& mock_state();

// The same memory as a tensor of the other kind; it lives as long as either.
torch::Tensor as_mock(const torch::Tensor& on_cpu);
torch::Tensor as_cpu(const torch::Tensor& on_mock);
// LibTorch conjugates and negates a tensor by a mark on it, which products understand; `to` gets the marks.
void keep_lazy_signs(const torch::Tensor& from, const torch::Tensor& to);
inline bool is_mock(const torch::Tensor& tensor) { return tensor.defined() && tensor.device().type() == kMock; }

// Tells the watch, if there is one, that a GPU's host would wait here. Errors: c10::Error while a tape is kept.
void mock_wait(const std::string& why);

bool is_pinned_for_mock(const void* address);

}  // namespace optdnn::tests
