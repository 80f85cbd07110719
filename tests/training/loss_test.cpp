// Losses by their formulas, and what a tally says by a loop over samples.
#include "optdnn/training/loss.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/training/tally.h"
#include "support/catch.h"

namespace optdnn::training {
namespace {

using torch::Tensor;

double value_of(const LossSpec& spec, const Tensor& outputs, const Tensor& targets) {
  return make_loss(spec).mean(outputs, targets).item<double>();
}

Tensor logits(int64_t classes) {
  base::seed_torch(5);
  return torch::randn({6, classes}, torch::kFloat64) * 3;
}

}  // namespace

TEST_CASE("label smoothing spreads its share over all classes") {
  const Tensor outputs = logits(4), targets = torch::tensor({0, 1, 2, 3, 0, 0}, torch::kInt64);
  const double s = 0.1;
  double expected = 0;
  for (int64_t i = 0; i < 6; ++i) {
    double normaliser = 0;
    for (int64_t k = 0; k < 4; ++k) normaliser += std::exp(outputs[i][k].item<double>());
    for (int64_t k = 0; k < 4; ++k) {
      const double q = (k == targets[i].item<int64_t>() ? 1 - s : 0) + s / 4;
      expected -= q * (outputs[i][k].item<double>() - std::log(normaliser)) / 6;
    }
  }
  REQUIRE(value_of(CrossEntropyLoss{s}, outputs, targets) == Approx(expected).epsilon(1e-12));
  const Tensor as_mixture = torch::one_hot(targets, 4).to(torch::kFloat32);
  REQUIRE(value_of(CrossEntropyLoss{s}, outputs, as_mixture) == Approx(expected).epsilon(1e-12));
}

TEST_CASE("the logistic loss is the cross-entropy of two classes") {
  const Tensor outputs = logits(2), targets = torch::tensor({0, 1, 1, 1, 0, 0}, torch::kInt64);
  REQUIRE(value_of(LogisticLoss{}, outputs, targets) ==
          Approx(value_of(CrossEntropyLoss{}, outputs, targets)).epsilon(1e-12));
  const Tensor mixture = torch::tensor({{0.25, 0.75}}).expand({6, 2});
  REQUIRE(value_of(LogisticLoss{}, outputs, mixture) ==
          Approx(value_of(CrossEntropyLoss{}, outputs, mixture)).epsilon(1e-12));
}

TEST_CASE("losses of 16-bit outputs are taken in 32 bits") {
  const Tensor targets = torch::zeros({6}, torch::kInt64);
  REQUIRE(make_loss(CrossEntropyLoss{}).mean(logits(3).to(torch::kBFloat16), targets).scalar_type() == torch::kFloat32);
  REQUIRE(make_loss(MseLoss{}).mean(logits(3).to(torch::kBFloat16), logits(3)).scalar_type() == torch::kFloat32);
}

TEST_CASE("a loss that does not fit the data is refused") {
  const data::DataShape ten{{3, 32, 32}, 10, false}, two{{2}, 2, false}, line{{1}, 1, true};
  REQUIRE_NOTHROW(check_loss(CrossEntropyLoss{}, ten));
  REQUIRE_NOTHROW(check_loss(LogisticLoss{}, two));
  REQUIRE_NOTHROW(check_loss(MseLoss{}, line));
  REQUIRE_THROWS_AS(check_loss(LogisticLoss{}, ten), base::ConfigError);
  REQUIRE_THROWS_AS(check_loss(MseLoss{}, ten), base::ConfigError);
  REQUIRE_THROWS_AS(check_loss(CrossEntropyLoss{}, line), base::ConfigError);
  for (const auto& shape : {ten, two, line}) REQUIRE_NOTHROW(check_loss(default_loss(shape), shape));
}

TEST_CASE("a tally is a mean over samples, however they were split into batches") {
  const Tensor outputs = logits(3), targets = torch::tensor({0, 1, 2, 0, 0, 0}, torch::kInt64);
  const Loss loss = make_loss(CrossEntropyLoss{});
  Tally whole(false, torch::kCPU), head(false, torch::kCPU), tail(false, torch::kCPU);
  whole.add(outputs, targets, loss.mean(outputs, targets));
  const auto add = [&](Tally& tally, int64_t begin, int64_t end) {
    const Tensor o = outputs.slice(0, begin, end), t = targets.slice(0, begin, end);
    tally.add(o, t, loss.mean(o, t));
  };
  add(head, 0, 1);
  add(head, 1, 3);
  add(tail, 3, 6);
  head.add(tail);
  int wrong = 0;
  for (int64_t i = 0; i < 6; ++i) wrong += outputs[i].argmax().item<int64_t>() != targets[i].item<int64_t>();
  for (const Tally* tally : {&whole, &head}) {
    REQUIRE(tally->read()[0].samples == 6);
    REQUIRE(tally->read()[0].loss == Approx(loss.mean(outputs, targets).item<double>()).epsilon(1e-12));
    REQUIRE(*tally->read()[0].error_pct == Approx(100.0 * wrong / 6));
  }
  Tally copy(false, torch::kCPU);
  copy.unpack(head.packed());
  REQUIRE(copy.read()[0].loss == head.read()[0].loss);
  head.clear();
  REQUIRE(head.packed().abs().sum().item<double>() == 0);
}

TEST_CASE("a tally of a regression knows mean, absolute and largest error") {
  const Tensor outputs = torch::tensor({{1.0, 2.0}, {3.0, 4.0}}), targets = torch::tensor({{1.0, 0.0}, {3.5, 4.0}});
  Tally tally(true, torch::kCPU);
  tally.add(outputs, targets, torch::tensor(0.0));
  const Evaluation means = tally.read()[0];
  REQUIRE(*means.mse == Approx((4 + 0.25) / 4));
  REQUIRE(*means.l1 == Approx(2.5 / 4));
  REQUIRE(*means.sup_error == 2.0);
  REQUIRE(!means.error_pct);
  REQUIRE(means.headline() == *means.mse);
}

}  // namespace optdnn::training
