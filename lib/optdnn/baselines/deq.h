// An equilibrium network: the state z that one residual layer leaves unchanged, with x injected,
//
//   z = GN(relu(z + GN(x + W2 GN(relu(W1 z)))))        x = BN(W0 image + b0)
//
// all convolutions 3x3, W1 and W2 without bias. The answer is one linear map of BN(z) averaged over 8 x 8 pixels.
// Source: Kolter, Duvenaud, Johnson's tutorial of 2020, chapter 4, after Bai, Kolter, Koltun 2019: 64,842 parameters at
// 48 and 64 channels on CIFAR-10. W1 and W2 start at N(0, 0.01^2): with larger ones the layer is no contraction, and
// solves fail before training begins.
#pragma once

#include "optdnn/baselines/baseline.h"
#include "optdnn/baselines/equilibrium.h"
#include "optdnn/modules/layers.h"
#include "optdnn/solvers/fixed_point.h"

namespace optdnn::baselines {

struct DeqSpec {
  static constexpr std::string_view kName = "deq";
  static constexpr std::string_view kHelp =
      "an equilibrium network of one residual layer with GroupNorm (Bai et al. 2019; Kolter et al. 2020)";
  int64_t width = 48;
  int64_t hidden = 64;
  solvers::SolverSpec solver = solvers::AndersonSpec{};
  template <class Fields>
  void fields(Fields& f) {
    f("width", width, config::between(1, 4096), "channels of the state");
    f("hidden", hidden, config::between(1, 4096), "channels between the layer's two convolutions");
    f("solver", solver, "finds the equilibrium");
  }
  // Errors: ConfigError if the input is no image.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

class DeqImpl : public torch::nn::Module {
 public:
  // Errors: those of the spec's check.
  DeqImpl(const DeqSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  torch::nn::Conv2d stem_;
  modules::Convolution conv1_, conv2_;
  modules::Norm stem_norm_, norm1_, norm2_, norm3_, head_norm_;
  solvers::FixedPoint solver_;
  modules::Affine linear_{nullptr};
};
TORCH_MODULE(Deq);

}  // namespace optdnn::baselines
