#include "optdnn/training/ema.h"

#include "optdnn/training/checkpoint.h"

namespace optdnn::training {

Ema::Ema(const torch::nn::Module& module, double decay) : decay_(decay) {
  for (const auto& [name, tensor] : named_weights(module)) {
    if (!tensor.is_floating_point()) continue;
    names_.push_back(name);
    weights_.push_back(tensor);
    averages_.push_back(tensor.clone());
  }
}

void Ema::update() {
  const torch::NoGradGuard no_grad;
  at::_foreach_lerp_(averages_, weights_, 1 - decay_);
}

void Ema::swap() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const torch::Tensor weight = weights_[i].clone();
    weights_[i].copy_(averages_[i]);
    averages_[i].copy_(weight);
  }
}

TensorMap Ema::state() const {
  TensorMap state;
  for (size_t i = 0; i < names_.size(); ++i) state[names_[i]] = averages_[i];
  return state;
}

}  // namespace optdnn::training
