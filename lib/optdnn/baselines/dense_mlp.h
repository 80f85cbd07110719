// DenseNet by concatenation, on vectors:
//   h[0] = x,   h[i+1] = [h[i], s(W_i h[i] + b_i)],   outputs = W h[depth] + b
// Source: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", CVPR 2017, its
// convolutions replaced by affine maps.
#pragma once

#include "optdnn/baselines/spec.h"

namespace optdnn::baselines {

// Errors: ConfigError if the input is an image.
void check(const DenseMlpSpec& spec, const NetworkShape& shape);

class DenseMlpImpl : public torch::nn::Module {
 public:
  // Errors: those of check.
  DenseMlpImpl(const DenseMlpSpec& spec, const NetworkShape& shape);
  // Shapes: inputs_BD -> B x outputs.
  torch::Tensor forward(const torch::Tensor& inputs_BD);

 private:
  std::vector<modules::Affine> layers_;
  modules::Activation activation_;
};
TORCH_MODULE(DenseMlp);

}  // namespace optdnn::baselines
