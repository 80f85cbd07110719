// implicit_conv: S(x) = W2 s(GroupNorm(W1 x)), 3x3 convolutions with normalised weights, for images. It has no
// statistics that couple samples, so that it can be solved for.
//   spectral   the group norm is the bounded one, and W2 is scaled by min(1, L / (|W2| |s|_Lip |W1|)): S has Lipschitz
//              constant L at most
//   weight     the practice of equilibrium networks (Bai et al. 2020), without a bound
#pragma once

#include "optdnn/config/fields.h"
#include "optdnn/modules/count.h"
#include "optdnn/modules/module.h"
#include "optdnn/modules/normalised_convolution.h"
#include "optdnn/modules/sharing.h"
#include "optdnn/modules/traits.h"

namespace optdnn::modules {

struct ImplicitConvSpec {
  static constexpr std::string_view kName = "implicit_conv";
  static constexpr std::string_view kHelp =
      "W2 s(GroupNorm(W1 x)) with normalised weights, for what an implicit rule solves for";
  Activation activation = Activation::relu;
  Normalisation normalisation = Normalisation::spectral;
  double lipschitz = 0.9;
  Sharing sharing = Sharing::per_step;

  template <class Fields>
  void fields(Fields& f) {
    f("activation", activation, "s");
    f("normalisation", normalisation, "of both convolutions");
    f("lipschitz", lipschitz, config::above(0), "largest Lipschitz constant of the module; spectral only");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
  Traits traits() const;
  void check(int64_t /*width*/) const {}
  Count count(int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps steps) const;
};

class ImplicitConv : public Module {
 public:
  ImplicitConv(int64_t width, Activation activation, Normalisation normalisation, double lipschitz);
  torch::Tensor forward(const torch::Tensor& x, int64_t step) override { return at_step(step)(x); }
  Function at_step(int64_t step) override;
  std::vector<torch::Tensor> last_layer() override { return {bounded_ ? conv2_->weight : conv2_->gain}; }

 private:
  bool bounded_;
  NormalisedConvolution conv1_, conv2_;
  Norm norm_;
  Activation activation_;
  double lipschitz_;
};

}  // namespace optdnn::modules
