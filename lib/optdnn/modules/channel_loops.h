// What the nodes over the loops of kernels/channel_norm.h share.
#pragma once

#include <torch/torch.h>

#include "optdnn/kernels/channel_norm.h"

namespace optdnn::modules {

// what(Number()) with the type of the tensor's numbers, float or double.
template <class What>
auto with_type_of(const torch::Tensor& x, What what) {
  return x.scalar_type() == torch::kFloat64 ? what(double()) : what(float());
}

// Whether the loops take x, an image batch on the CPU whose channels lie innermost, `rows` of its pixels at a time.
inline bool fits_channel_loops(const torch::Tensor& x, int64_t rows) {
  const auto type = x.scalar_type();
  if (!x.device().is_cpu() || (type != torch::kFloat32 && type != torch::kFloat64)) return false;
  if (x.dim() != 4 || !x.is_contiguous(at::MemoryFormat::ChannelsLast)) return false;
  return rows % with_type_of(x, [&](auto number) { return kernels::rows_at_once<decltype(number)>(x.size(1)); }) == 0;
}

}  // namespace optdnn::modules
