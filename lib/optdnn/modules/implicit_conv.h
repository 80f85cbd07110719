// implicit_conv: S(x) = W2 s(GroupNorm(W1 x)), 3x3 convolutions with normalised weights, for images. It has no
// statistics that couple samples, so that it can be solved for.
//   spectral   the group norm is the bounded one, and W2 is scaled by min(1, L / (|W2| |s|_Lip |W1|)): S has Lipschitz
//              constant L at most
//   weight     the practice of equilibrium networks (Bai et al. 2020), without a bound
#pragma once

#include "optdnn/modules/module.h"
#include "optdnn/modules/normalised_convolution.h"

namespace optdnn::modules {

class ImplicitConv : public Module {
 public:
  ImplicitConv(int64_t width, Activation activation, Normalisation normalisation, double lipschitz);
  torch::Tensor forward(const torch::Tensor& x, int64_t step) override { return at_step(step)(x); }
  Function at_step(int64_t step) override;
  std::vector<torch::Tensor> last_layer() override { return {bounded_ ? conv2_->weight : conv2_->gain}; }

 private:
  bool bounded_;
  NormalisedConvolution conv1_, conv2_;
  Norm norm_;
  Activation activation_;
  double lipschitz_;
};

}  // namespace optdnn::modules
