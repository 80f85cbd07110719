// The kernel of small two-layer modules against LibTorch's operators.
#include "optdnn/modules/two_layer_kernel.h"

#include "optdnn/base/random.h"
#include "support/catch.h"

using namespace optdnn::modules;
using torch::Tensor;

namespace {

struct Call {
  Tensor x;
  TwoLayerWeights w;
  std::vector<Tensor> inputs() const { return {x, w.W1, w.b1, w.W2, w.b2}; }
};

// `runs` 0: no run dimension.
Call make_call(int64_t runs, int64_t samples, int64_t width, int64_t hidden, torch::Dtype type) {
  const auto draw = [&](std::vector<int64_t> sizes) {
    if (runs > 0) sizes.insert(sizes.begin(), runs);
    return torch::randn(sizes, type).requires_grad_();
  };
  return {draw({samples, width}), {draw({hidden, width}), draw({hidden}), draw({width, hidden}), draw({width})}};
}

std::vector<Tensor> values_and_gradients(const Call& call, Activation activation, const Tensor& weight, bool kernel) {
  const Tensor y = kernel ? two_layer_kernel(call.x, call.w, activation) : two_layer_plain(call.x, call.w, activation);
  std::vector<Tensor> all = torch::autograd::grad({(y * weight).sum()}, call.inputs());
  all.insert(all.begin(), y.detach());
  return all;
}

const std::vector<Activation> kActivations = {Activation::tanh, Activation::sigmoid, Activation::relu};

}  // namespace

TEST_CASE("the two-layer kernel equals the operators, values and gradients, with and without runs") {
  optdnn::base::seed_torch(1);
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const double tolerance = type == torch::kFloat64 ? 1e-11 : 1e-3;  // sums over up to 700 samples
    for (const int64_t runs : {0, 1, 3}) {
      for (const int64_t samples : {1, 5, 255, 256, 700}) {
        for (const auto& [width, hidden] : std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {2, 16}, {7, 3}}) {
          for (const Activation activation : kActivations) {
            CAPTURE(type, runs, samples, width, hidden, static_cast<int>(activation));
            const Call call = make_call(runs, samples, width, hidden, type);
            REQUIRE(two_layer_kernel_fits(call.x, call.w, activation));
            const Tensor weight = torch::randn_like(call.x.detach());
            const auto fast = values_and_gradients(call, activation, weight, true);
            const auto slow = values_and_gradients(call, activation, weight, false);
            for (size_t i = 0; i < fast.size(); ++i) {
              REQUIRE(fast[i].sizes() == slow[i].sizes());
              REQUIRE((fast[i] - slow[i]).abs().max().item<double>() <= tolerance);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("the two-layer kernel can be differentiated twice") {
  for (const Activation activation : {Activation::tanh, Activation::sigmoid}) {
    const Call call = make_call(2, 9, 2, 4, torch::kFloat64);
    const auto second = [&](bool kernel) {
      const Tensor y =
          kernel ? two_layer_kernel(call.x, call.w, activation) : two_layer_plain(call.x, call.w, activation);
      const Tensor slope = torch::autograd::grad({y.square().sum()}, {call.x}, {}, true, true).front();
      return torch::autograd::grad({slope.square().sum()}, call.inputs(), {}, {}, false, true);
    };
    const auto fast = second(true), slow = second(false);
    for (size_t i = 0; i < fast.size(); ++i) {
      REQUIRE(fast[i].defined() == slow[i].defined());
      if (fast[i].defined()) REQUIRE((fast[i] - slow[i]).abs().max().item<double>() < 1e-9);
    }
  }
}

TEST_CASE("the two-layer kernel leaves evaluations, large layers and other activations to the operators") {
  const Call small = make_call(0, 4, 2, 16, torch::kFloat32), large = make_call(0, 4, 64, 64, torch::kFloat32);
  REQUIRE(two_layer_kernel_fits(small.x, small.w, Activation::tanh));
  REQUIRE_FALSE(two_layer_kernel_fits(small.x, small.w, Activation::gelu));
  REQUIRE_FALSE(two_layer_kernel_fits(large.x, large.w, Activation::tanh));
  const torch::NoGradGuard no_grad;
  REQUIRE_FALSE(two_layer_kernel_fits(small.x, small.w, Activation::tanh));
}
