// dense_two_layer: T(x) = W2 s(W1 x + b1) + b2, for states that are vectors.
#pragma once

#include "optdnn/modules/activation.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/module.h"

namespace optdnn::modules {

class DenseTwoLayer : public Module {
 public:
  DenseTwoLayer(int64_t width, int64_t hidden, Activation activation);
  torch::Tensor forward(const torch::Tensor& x, int64_t step) override;
  std::vector<torch::Tensor> last_layer() override { return {layer2_->weight, layer2_->bias}; }

 private:
  Affine layer1_, layer2_;
  Activation activation_;
};

}  // namespace optdnn::modules
