// Small tensors on their way from the host to where a data set or a network lives.
#pragma once

#include <torch/torch.h>

namespace optdnn::data {

// The tensor on `device`. From pinned memory, so that the host does not wait for what a GPU still has to do.
inline torch::Tensor upload(const torch::Tensor& tensor, const torch::Device& device) {
  if (!device.is_cuda() || !tensor.device().is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace optdnn::data
