// The loss scale of float16: scaled gradients come back as they were, an overflow skips the update and halves the
// scale.
#include "optdnn/training/loss_scale.h"

#include "optdnn/training/optimizer.h"
#include "support/catch.h"

namespace optdnn::training {

TEST_CASE("a scaled loss leaves the gradient as it was, and an overflow is noticed") {
  LossScale scale(torch::kCPU);
  const torch::Tensor weight = torch::tensor({1.0f, 2.0f}).requires_grad_();
  scale.scaled((weight * weight).sum()).backward();
  REQUIRE(weight.grad()[0].item<float>() > 1e4);
  REQUIRE(scale.unscale({weight.grad()}).item<float>() == 0);
  REQUIRE(torch::allclose(weight.grad(), 2 * weight));
  weight.mutable_grad().fill_(std::numeric_limits<float>::infinity());
  REQUIRE(scale.unscale({weight.grad()}).item<float>() == 1);
}

TEST_CASE("an overflow halves the scale and skips the update of every optimizer") {
  config::for_each_alternative<OptimizerSpec>([](const auto& spec) {
    LossScale scale(torch::kCPU);
    const torch::Tensor weight = torch::ones({3}).requires_grad_();
    const auto optimizer = make_optimizer(spec, {{"weight", weight}});
    weight.mutable_grad() = torch::full({3}, std::numeric_limits<float>::quiet_NaN());
    const torch::Tensor overflowed = scale.unscale({weight.grad()});
    optimizer->step(0.1, {{}, overflowed});
    scale.update(overflowed);
    REQUIRE(torch::equal(weight, torch::ones({3})));
    REQUIRE(scale.state().at("scale").item<float>() == 32768);
    weight.mutable_grad().fill_(1);
    optimizer->step(0.1, {{}, scale.unscale({weight.grad()})});
    REQUIRE(!torch::equal(weight, torch::ones({3})));
  });
}

}  // namespace optdnn::training
