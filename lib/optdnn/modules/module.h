// T: a learnable stand-in for minus the scaled gradient, containing a two-layer network W2 s(W1 .).
#pragma once

#include <torch/torch.h>

#include <memory>

namespace optdnn::modules {

class Module : public torch::nn::Module {
 public:
  // Shapes: the same as x. `step` counts the uses of shared weights, which keep their batch statistics apart.
  virtual torch::Tensor forward(const torch::Tensor& x, int64_t step) = 0;

  // The weights (and bias) of the layer that ends T; `init.scale` multiplies them.
  virtual std::vector<torch::Tensor> last_layer() = 0;
};

}  // namespace optdnn::modules
