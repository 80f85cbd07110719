// The loss scale of float16: gradients below 6e-8 would vanish, so the loss is multiplied before the backward pass. The
// scale halves when a gradient overflows, that update being skipped, and doubles after 2000 updates without.
// Source: Micikevicius et al., "Mixed precision training", ICLR 2018; constants of torch.amp.GradScaler.
#pragma once

#include <torch/torch.h>

#include "optdnn/training/safetensors.h"

namespace optdnn::training {

class LossScale {
 public:
  explicit LossScale(const torch::Device& device);

  torch::Tensor scaled(const torch::Tensor& loss) const { return loss * scale_; }
  // Divides the gradients by the scale, in place. Returns 1 if one of them is not finite, else 0.
  torch::Tensor unscale(const std::vector<torch::Tensor>& gradients);
  // After an update, with what unscale returned.
  void update(const torch::Tensor& overflowed);
  // Sharing memory.
  TensorMap state() const { return {{"scale", scale_}, {"growth", growth_}}; }

 private:
  torch::Tensor scale_, growth_;
};

}  // namespace optdnn::training
