// How tensors lie in memory, where loops and kernels walk through several at a time, and their numbers as plain ones.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace optdnn::kernels {

// Whether its numbers have these strides; those of dimensions of one number say nothing.
inline bool lies_as(const torch::Tensor& tensor, at::IntArrayRef strides) {
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    if (tensor.size(d) > 1 && tensor.stride(d) != strides[d]) return false;
  }
  return true;
}

// The tensor, or a copy of it with these strides. Requires: strides of dense memory.
inline torch::Tensor laid_as(const torch::Tensor& tensor, at::IntArrayRef strides) {
  if (lies_as(tensor, strides)) return tensor;
  return torch::empty_strided(tensor.sizes(), strides, tensor.options()).copy_(tensor);
}

// Of any tensor, in their order.
inline std::vector<double> numbers_of(const torch::Tensor& tensor) {
  const torch::Tensor numbers = tensor.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  return {numbers.const_data_ptr<double>(), numbers.const_data_ptr<double>() + numbers.numel()};
}

inline bool is_aligned(const torch::Tensor& tensor, uintptr_t bytes) {
  return reinterpret_cast<uintptr_t>(tensor.const_data_ptr()) % bytes == 0;
}

}  // namespace optdnn::kernels
