// DenseNet by concatenation, on vectors:
//   h[0] = x,   h[i+1] = [h[i], s(W_i h[i] + b_i)],   outputs = W h[depth] + b
// Source: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", CVPR 2017, its
// convolutions replaced by affine maps.
#pragma once

#include "optdnn/baselines/baseline.h"

namespace optdnn::baselines {

struct DenseMlpSpec {
  static constexpr std::string_view kName = "dense_mlp";
  static constexpr std::string_view kHelp = "DenseNet on vectors: every layer reads the input and all layers before it";
  int64_t depth = 3;
  int64_t growth = 16;
  modules::Activation activation = modules::Activation::tanh;
  template <class Fields>
  void fields(Fields& f) {
    f("depth", depth, config::between(1, 10000), "hidden layers");
    f("growth", growth, config::between(1, 65536), "units of a hidden layer, added to what the next one reads");
    f("activation", activation, "activation of the hidden layers");
  }
  // Errors: ConfigError if the input is an image.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

class DenseMlpImpl : public torch::nn::Module {
 public:
  // Errors: those of the spec's check.
  DenseMlpImpl(const DenseMlpSpec& spec, const NetworkShape& shape);
  // Shapes: inputs_BD -> B x outputs.
  torch::Tensor forward(const torch::Tensor& inputs_BD);

 private:
  std::vector<modules::Affine> layers_;
  modules::Activation activation_;
};
TORCH_MODULE(DenseMlp);

}  // namespace optdnn::baselines
