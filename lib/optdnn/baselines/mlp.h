// A multilayer perceptron: linear maps with an activation between them and no shortcut, the plain baseline on vectors.
#pragma once

#include "optdnn/baselines/baseline.h"

namespace optdnn::baselines {

struct MlpSpec {
  static constexpr std::string_view kName = "mlp";
  static constexpr std::string_view kHelp = "linear layers with an activation between them, no shortcut";
  int64_t depth = 3;
  int64_t width = 16;
  modules::Activation activation = modules::Activation::tanh;
  template <class Fields>
  void fields(Fields& f) {
    f("depth", depth, config::between(1, 10000), "hidden layers");
    f("width", width, config::between(1, 65536), "units of a hidden layer");
    f("activation", activation, "activation of the hidden layers");
  }
  // Errors: ConfigError if the input is an image.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

class MlpImpl : public torch::nn::Module {
 public:
  // Errors: those of the spec's check.
  MlpImpl(const MlpSpec& spec, const NetworkShape& shape);
  // Shapes: inputs_BD -> B x outputs.
  torch::Tensor forward(const torch::Tensor& inputs_BD);

 private:
  std::vector<modules::Affine> layers_;
  modules::Activation activation_;
};
TORCH_MODULE(Mlp);

}  // namespace optdnn::baselines
