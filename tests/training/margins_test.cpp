// Margins on functions whose margins are known.
#include "optdnn/training/evaluate.h"
#include "optdnn/training/tally.h"
#include "support/catch.h"
#include "training/small_nets.h"

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

Forward outputs_of(torch::nn::AnyModule& net) {
  return [&net](const Tensor& x) { return net.forward<Tensor>(x); };
}

}  // namespace

TEST_CASE("of a linear boundary the normalised margin is the distance to it, with its sign") {
  // f_1 - f_0 = 6 x + 8 y - 5: the line 0.6 x + 0.8 y = 0.5.
  torch::nn::AnyModule net(AffineNet(torch::tensor({{-3.0, -4.0}, {3.0, 4.0}}), torch::tensor({2.5, -2.5})));
  const Tensor points = torch::tensor({{1.0, 1.0}, {0.0, 0.0}, {0.5, 0.5}});
  const Margins margins = margins_of(outputs_of(net), points, torch::tensor({1, 0, 0}, torch::kInt64));
  REQUIRE(torch::allclose(margins.margin, torch::tensor({9.0, 5.0, -2.0}), 1e-5));
  REQUIRE(torch::allclose(margins.normalized, torch::tensor({0.9, 0.5, -0.2}), 1e-5));
}

TEST_CASE("of several classes the margin is to the largest of the others, and runs keep theirs apart") {
  torch::nn::AnyModule net(AffineNet(torch::eye(3), torch::zeros({3})));
  const Tensor points = torch::tensor({{3.0, 1.0, 2.0}, {0.0, 5.0, 1.0}}),
               targets = torch::tensor({0, 2}, torch::kInt64);
  const Margins one = margins_of(outputs_of(net), points, targets);
  REQUIRE(torch::allclose(one.margin, torch::tensor({1.0, -4.0})));
  REQUIRE(torch::allclose(one.normalized, one.margin / std::sqrt(2.0)));
  const Margins two = margins_of(outputs_of(net), torch::stack({points, 2 * points}), torch::stack({targets, targets}));
  REQUIRE(torch::allclose(two.margin, torch::stack({one.margin, 2 * one.margin})));
  REQUIRE(torch::allclose(two.normalized, torch::stack({one.normalized, 2 * one.normalized})));
}

TEST_CASE("a network that is constant and undecided has no normalised margin, and one that is wrong has none either") {
  const SmallImages images;
  for (const bool wrong : {false, true}) {
    torch::nn::AnyModule dead(
        AffineNet(torch::zeros({3, 72}), wrong ? torch::tensor({5.0, 0.0, 0.0}) : torch::zeros({3})));
    const auto flat = [&](const Tensor& x) { return dead.forward<Tensor>(x.flatten(1)); };
    const Margins margins = margins_of(flat, torch::ones({4, 2, 6, 6}), torch::ones({4}, torch::kInt64));
    Tally tally(false, torch::kCPU);
    tally.add(torch::zeros({4, 3}), torch::ones({4}, torch::kInt64), torch::zeros({}));
    tally.add_margins(margins);
    REQUIRE(tally.read()[0].margin == (wrong ? -5.0 : 0.0));
    REQUIRE(!tally.read()[0].normalized_margin);
  }
}

TEST_CASE("an output that is no number is a mistake, also where the class is 0") {
  Tally tally(false, torch::kCPU);
  const Tensor outputs = torch::tensor({{NAN, 0.0f}, {1.0f, 0.0f}});
  tally.add(outputs, torch::zeros({2}, torch::kInt64), torch::zeros({}));
  REQUIRE(tally.read()[0].error_pct == 50.0);
}

TEST_CASE("margins are those of the mean over an image and its mirror image where that is what is evaluated") {
  const SmallImages images;
  SmallJob small(images);
  EvaluateSpec spec;
  spec.flip_average = true;
  spec.margins = true;
  const Loss loss = make_loss(CrossEntropyLoss{});
  const auto margin =
      evaluate({small.job.network, small.test_loader, loss, Precision::float32, torch::kCPU, spec})[0].margin;
  double expected = std::numeric_limits<double>::infinity();
  auto batches = small.test_loader.epoch(0);
  while (const auto batch = batches.next()) {
    const torch::NoGradGuard no_grad;
    auto& net = small.job.network;
    const Tensor outputs = (net.forward<Tensor>(batch->inputs) + net.forward<Tensor>(batch->inputs.flip(3))) / 2;
    for (int64_t i = 0; i < outputs.size(0); ++i) {
      const auto y = batch->targets[i].item<int64_t>();
      for (int64_t k = 0; k < 3; ++k) {
        if (k != y) expected = std::min(expected, (outputs[i][y] - outputs[i][k]).item<double>());
      }
    }
  }
  REQUIRE(*margin == Approx(expected).epsilon(1e-5));
}

TEST_CASE("an evaluator that is asked again begins anew") {
  const SmallImages images;
  SmallJob small(images);
  EvaluateSpec spec;
  spec.margins = true;
  const Loss loss = make_loss(CrossEntropyLoss{});
  const EvaluateJob job{small.job.network, small.test_loader, loss, Precision::float64, torch::kCPU, spec};
  small.job.network.ptr()->to(torch::kFloat64);
  Evaluator evaluator(job);
  const double before = *evaluator.run()[0].margin;
  const torch::NoGradGuard no_grad;
  for (Tensor& parameter : small.job.network.ptr()->parameters()) parameter.mul_(0.25);
  const Evaluation fresh = evaluate(job)[0], again = evaluator.run()[0];
  REQUIRE(*fresh.margin > before);
  REQUIRE(again.margin == fresh.margin);
  REQUIRE(again.loss == fresh.loss);
  REQUIRE(again.samples == fresh.samples);
}

}  // namespace optdnn::training
