// Margins on functions whose margins are known.
#include "optdnn/training/evaluate.h"
#include "support/catch.h"

namespace optdnn::training {
namespace {

using torch::Tensor;

// Outputs W x + b of K classes.
struct AffineNetImpl : torch::nn::Module {
  AffineNetImpl(Tensor W, Tensor b) : W_KD(std::move(W)), b_K(std::move(b)) {}
  Tensor forward(const Tensor& x) { return torch::linear(x, W_KD, b_K); }
  Tensor W_KD, b_K;
};
TORCH_MODULE(AffineNet);

}  // namespace

TEST_CASE("of a linear boundary the normalised margin is the distance to it, with its sign") {
  // f_1 - f_0 = 6 x + 8 y - 5: the line 0.6 x + 0.8 y = 0.5.
  torch::nn::AnyModule net(AffineNet(torch::tensor({{-3.0, -4.0}, {3.0, 4.0}}), torch::tensor({2.5, -2.5})));
  const Tensor points = torch::tensor({{1.0, 1.0}, {0.0, 0.0}, {0.5, 0.5}});
  const Margins margins = margins_of(net, points, torch::tensor({1, 0, 0}, torch::kInt64));
  REQUIRE(torch::allclose(margins.margin, torch::tensor({9.0, 5.0, -2.0}), 1e-5));
  REQUIRE(torch::allclose(margins.normalized, torch::tensor({0.9, 0.5, -0.2}), 1e-5));
}

TEST_CASE("of several classes the margin is to the largest of the others, and runs keep theirs apart") {
  torch::nn::AnyModule net(AffineNet(torch::eye(3), torch::zeros({3})));
  const Tensor points = torch::tensor({{3.0, 1.0, 2.0}, {0.0, 5.0, 1.0}}),
               targets = torch::tensor({0, 2}, torch::kInt64);
  const Margins one = margins_of(net, points, targets);
  REQUIRE(torch::allclose(one.margin, torch::tensor({1.0, -4.0})));
  REQUIRE(torch::allclose(one.normalized, one.margin / std::sqrt(2.0)));
  const Margins two = margins_of(net, torch::stack({points, 2 * points}), torch::stack({targets, targets}));
  REQUIRE(torch::allclose(two.margin, torch::stack({one.margin, 2 * one.margin})));
  REQUIRE(torch::allclose(two.normalized, torch::stack({one.normalized, 2 * one.normalized})));
}

}  // namespace optdnn::training
