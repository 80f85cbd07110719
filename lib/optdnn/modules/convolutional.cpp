#include "optdnn/modules/convolutional.h"

namespace optdnn::modules {

ConvPreact::ConvPreact(int64_t width, std::vector<int64_t> kernels_px, std::vector<int64_t> channels,
                       Activation activation, NormKind norm, int64_t steps)
    : activation_(activation) {
  int64_t inputs = width;
  for (size_t i = 0; i < kernels_px.size(); ++i) {
    norms_.push_back(register_module("norm" + std::to_string(i + 1), Norm(norm, inputs, steps)));
    convolutions_.push_back(
        register_module("conv" + std::to_string(i + 1), Convolution(inputs, channels[i], kernels_px[i])));
    inputs = channels[i];
  }
}

torch::Tensor ConvPreact::forward(const torch::Tensor& x, int64_t step) {
  return after_first_norm(norms_.front()->activated(x, activation_, step), step);
}

torch::Tensor ConvPreact::after_first_norm(const torch::Tensor& normed, int64_t step) {
  torch::Tensor y = convolutions_.front()->forward(normed);
  for (size_t i = 1; i < norms_.size(); ++i) {
    y = convolutions_[i]->forward(norms_[i]->activated(y, activation_, step));
  }
  return y;
}

ConvPostact::ConvPostact(int64_t width, Activation activation, NormKind norm, int64_t steps)
    : conv1_(width, width, 3),
      conv2_(width, width, 3),
      norm1_(norm, width, steps),
      norm2_(norm, width, steps),
      activation_(activation) {
  register_module("conv1", conv1_);
  register_module("norm1", norm1_);
  register_module("conv2", conv2_);
  register_module("norm2", norm2_);
}

torch::Tensor ConvPostact::forward(const torch::Tensor& x, int64_t step) {
  const torch::Tensor hidden = norm1_->activated(conv1_->forward(x), activation_, step);
  return norm2_->forward(conv2_->forward(hidden), step);
}

// The norm undoes any scale of the convolution before it, so it is the norm that ends T where there is one.
std::vector<torch::Tensor> ConvPostact::last_layer() {
  if (norm2_->weight.defined()) return {norm2_->weight, norm2_->bias};
  return {conv2_->weight};
}

}  // namespace optdnn::modules
