#include "optdnn/modules/implicit_conv.h"

namespace optdnn::modules {

Traits ImplicitConvSpec::traits() const {
  Traits traits;
  if (normalisation == Normalisation::spectral) traits.lipschitz_bound = lipschitz;
  return traits;
}

Count ImplicitConvSpec::count(int64_t width, const Extent& at) const {
  const Count convolution = count_normalised_convolution(width, width, 3, at, normalisation);
  return convolution + count_activated_norm(NormKind::group, activation, width, at.positions()) + ending(convolution);
}

std::shared_ptr<Module> ImplicitConvSpec::make(int64_t width, int64_t /*uses*/, Steps) const {
  return std::make_shared<ImplicitConv>(width, activation, normalisation, lipschitz);
}

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
    const torch::Tensor normed = norm_->activated_groups(hidden, activation_, bounded_);
    return conv2_->apply(normed, last);
  };
}

}  // namespace optdnn::modules
