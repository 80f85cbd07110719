// dense_two_layer: T(x) = W2 s(W1 x + b1) + b2, for states that are vectors. With a Lipschitz constant L the first term
// is scaled by min(1, L / (|W2| |s|_Lip |W1|)).
#pragma once

#include <optional>

#include "optdnn/modules/activation.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/module.h"

namespace optdnn::modules {

struct TwoLayerWeights {
  torch::Tensor W1, b1, W2, b2;  // H x D, H, D x H, D; with runs each has a leading R
};

class DenseTwoLayer : public Module {
 public:
  DenseTwoLayer(int64_t width, int64_t hidden, Activation activation, std::optional<double> lipschitz);
  torch::Tensor forward(const torch::Tensor& x, int64_t /*step*/) override { return evaluate(x, weights()); }
  Function at_step(int64_t step) override;
  std::vector<torch::Tensor> last_layer() override { return {layer2_->weight, layer2_->bias}; }

  // The weights as they are used, with W2 scaled where there is a Lipschitz constant.
  TwoLayerWeights weights() const;
  // T with the given weights. Shapes: B x D -> B x D; with runs R x B x D.
  torch::Tensor evaluate(const torch::Tensor& x, const TwoLayerWeights& weights) const;
  Activation activation() const { return activation_; }

 private:
  Affine layer1_, layer2_;
  Activation activation_;
  std::optional<double> lipschitz_;
};

}  // namespace optdnn::modules
