// An equilibrium network: the state z that one residual layer leaves unchanged, with the stem's output x injected,
//
//   z = GN(relu(z + GN(x + W2 GN(relu(W1 z)))))
//
// all convolutions 3x3 with weight norm. Source: Bai, Kolter, Koltun 2019; the layer is that of Kolter, Duvenaud,
// Johnson's tutorial of 2020. Choice: stem and head are those of an OptNet.
#pragma once

#include "optdnn/baselines/spec.h"
#include "optdnn/models/ends.h"
#include "optdnn/modules/normalised_convolution.h"
#include "optdnn/solvers/fixed_point.h"

namespace optdnn::baselines {

// Errors: ConfigError if the input is no image.
void check(const DeqSpec& spec, const NetworkShape& shape);

class DeqImpl : public torch::nn::Module {
 public:
  // Errors: those of check.
  DeqImpl(const DeqSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  std::shared_ptr<models::Map> stem_, head_;
  modules::NormalisedConvolution conv1_, conv2_;
  modules::Norm stem_norm_, norm1_, norm2_, norm3_;
  solvers::FixedPoint solver_;
};
TORCH_MODULE(Deq);

}  // namespace optdnn::baselines
