#include "optdnn/modules/implicit_conv.h"

namespace optdnn::modules {

ImplicitConv::ImplicitConv(int64_t width, Activation activation, Normalisation normalisation, double lipschitz)
    : bounded_(normalisation == Normalisation::spectral),
      conv1_(register_module("conv1", NormalisedConvolution(width, width, 3, 1, normalisation))),
      conv2_(register_module("conv2", NormalisedConvolution(width, width, 3, 1, normalisation))),
      norm_(register_module("norm", Norm(NormKind::group, width))),
      activation_(activation),
      lipschitz_(lipschitz) {}

Function ImplicitConv::at_step(int64_t /*step*/) {
  const torch::Tensor first = conv1_->kernel();
  torch::Tensor last = conv2_->kernel();
  if (bounded_) {
    const torch::Tensor norms = convolution_norm(first) * convolution_norm(last);
    last = last * lipschitz_scale(lipschitz_, norms, activation_);
  }
  return [this, first, last](const torch::Tensor& x) {
    const torch::Tensor hidden = conv1_->apply(x, first);
    const torch::Tensor normed =
        bounded_ ? bounded_group_norm(hidden, norm_->groups(), norm_->weight, norm_->bias) : norm_->forward(hidden);
    return conv2_->apply(activate(activation_, normed), last);
  };
}

}  // namespace optdnn::modules
