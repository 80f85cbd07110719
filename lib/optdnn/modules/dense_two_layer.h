// dense_two_layer: T(x) = W2 s(W1 x + b1) + b2, for states that are vectors. With a Lipschitz constant L the first term
// is scaled by min(1, L / (|W2| |s|_Lip |W1|)).
#pragma once

#include <optional>

#include "optdnn/config/fields.h"
#include "optdnn/modules/count.h"
#include "optdnn/modules/module.h"
#include "optdnn/modules/sharing.h"
#include "optdnn/modules/traits.h"

namespace optdnn::modules {

struct DenseTwoLayerSpec {
  static constexpr std::string_view kName = "dense_two_layer";
  static constexpr std::string_view kHelp = "W2 s(W1 x + b1) + b2, for vectors";
  int64_t hidden = 16;
  Activation activation = Activation::tanh;
  Sharing sharing = Sharing::per_step;
  std::optional<double> lipschitz = std::nullopt;

  template <class Fields>
  void fields(Fields& f) {
    f("hidden", hidden, config::between(1, 65536), "width of the hidden layer");
    f("activation", activation, "s");
    f("lipschitz", lipschitz, config::above(0), "largest Lipschitz constant, kept by spectral normalisation");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
  Traits traits() const { return {.on_images = false, .lipschitz_bound = lipschitz}; }
  void check(int64_t /*width*/) const {}
  Count count(int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps steps) const;
};

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
