#include "optdnn/modules/pre_activation.h"

namespace optdnn::modules {

PreActivation::PreActivation(int64_t inputs, const std::vector<ChainLayer>& layers, Activation activation,
                             NormKind norm, int64_t uses)
    : activation_(activation) {
  for (const auto& [kernel_px, outputs] : layers) {
    const std::string place = std::to_string(norms_.size() + 1);
    norms_.push_back(register_module("norm" + place, Norm(norm, inputs, uses)));
    convolutions_.push_back(register_module("conv" + place, Convolution(inputs, outputs, kernel_px)));
    inputs = outputs;
  }
}

torch::Tensor PreActivation::forward(const torch::Tensor& x, int64_t step) {
  return after_first_norm(norms_.front()->to_make(x, activation_, step), step);
}

torch::Tensor PreActivation::after_first_norm(const NormedRelu& normed, int64_t step) {
  NormedRelu x = normed;
  for (size_t i = 1; i < norms_.size(); ++i) {
    x = norms_[i]->to_make_after(convolutions_[i - 1], x, activation_, step);
  }
  return convolutions_.back()->forward(x);
}

Count count_pre_activation(int64_t inputs, const std::vector<ChainLayer>& layers, Activation activation, NormKind norm,
                           const Extent& at) {
  Count count, convolution;
  for (const auto& [kernel_px, outputs] : layers) {
    count += convolution + count_activated_norm(norm, activation, inputs, at.positions());
    convolution = count_convolution(inputs, outputs, kernel_px, at);
    inputs = outputs;
  }
  return count + ending(convolution);
}

}  // namespace optdnn::modules
