// A multilayer perceptron: linear maps with an activation between them and no shortcut, the plain baseline on vectors.
#pragma once

#include "optdnn/baselines/spec.h"

namespace optdnn::baselines {

// Errors: ConfigError if the input is an image.
void check(const MlpSpec& spec, const NetworkShape& shape);

class MlpImpl : public torch::nn::Module {
 public:
  // Errors: those of check.
  MlpImpl(const MlpSpec& spec, const NetworkShape& shape);
  // Shapes: inputs_BD -> B x outputs.
  torch::Tensor forward(const torch::Tensor& inputs_BD);

 private:
  std::vector<modules::Affine> layers_;
  modules::Activation activation_;
};
TORCH_MODULE(Mlp);

}  // namespace optdnn::baselines
