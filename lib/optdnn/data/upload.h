// Small tensors on their way from the host to where a data set or a network lives.
#pragma once

#include <torch/torch.h>

namespace optdnn::data {

// The tensor on `device`. From pinned memory, so that the host does not wait for what a GPU still has to do. A
// dimension that only repeats (expand) travels once: pinned memory cannot be written where elements share it.
inline torch::Tensor upload(const torch::Tensor& tensor, const torch::Device& device) {
  if (device.is_cpu() || !tensor.device().is_cpu()) return tensor.to(device);
  torch::Tensor once = tensor;
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    if (tensor.stride(d) == 0 && tensor.size(d) > 1) once = once.narrow(d, 0, 1);
  }
  return once.pin_memory().to(device, /*non_blocking=*/true).expand(tensor.sizes());
}

}  // namespace optdnn::data
