// optimizer.groups: which parameters a pattern takes, what is frozen, and that a group's rate is its own.
#include "optdnn/base/errors.h"
#include "optdnn/training/optimizer.h"
#include "support/catch.h"

namespace optdnn::training {
namespace {

struct TwoParts : torch::nn::Module {
  TwoParts() {
    head = register_parameter("head", torch::ones({2, 2}));
    stem = register_parameter("stem", torch::ones({2, 2}));
  }
  torch::Tensor head, stem;
};

GroupSpec of_pattern(const std::string& match) {
  GroupSpec group;
  group.match = match;
  return group;
}

}  // namespace

TEST_CASE("a star stands for any text, and the rest for itself", "[groups]") {
  CHECK(fits_pattern("head.linear.bias", "head.*"));
  CHECK(fits_pattern("stage_0.T.2.conv1.weight", "stage_*.T.*.conv1.*"));
  CHECK(fits_pattern("head", "head"));
  CHECK(fits_pattern("head", "*"));
  CHECK_FALSE(fits_pattern("head.linear.bias", "head"));
  CHECK_FALSE(fits_pattern("ahead.x", "head.*"));
  CHECK_FALSE(fits_pattern("stage_0.x", "stage_*.y"));
}

TEST_CASE("every optimizer moves a group at the group's rate, and the frozen part not at all", "[groups]") {
  for (const OptimizerSpec& kind : {OptimizerSpec(SgdSpec{}), OptimizerSpec(AdamSpec{}), OptimizerSpec(AdamwSpec{})}) {
    const auto moved = [&](GroupSpecs groups) {
      TwoParts net;
      OptimizerSpec spec = kind;
      std::visit([&](auto& s) { s.learning_rate = 0.01, s.weight_decay = 0, s.groups = groups; }, spec);
      freeze_parameters(net, groups);
      const auto optimizer = make_optimizer(spec, trainable_parameters(net));
      (3 * net.head.sum() + 3 * net.stem.sum()).backward();
      optimizer->step(0.005);  // half of the peak: the schedule's factor is for all groups
      return std::pair((1 - net.head).mean().item<double>(), (1 - net.stem).mean().item<double>());
    };
    GroupSpec fast = of_pattern("head"), frozen = of_pattern("stem");
    fast.learning_rate = 0.04;
    frozen.frozen = true;
    const auto plain = moved({}), grouped = moved(std::vector{fast, frozen});
    CHECK(plain.first == Approx(plain.second));
    CHECK(grouped.first == Approx(4 * plain.first).epsilon(1e-4));
    CHECK(grouped.second == 0);
  }
}

TEST_CASE("a group's decay is its own", "[groups]") {
  TwoParts net;
  SgdSpec spec;
  spec.weight_decay = 0.5;
  GroupSpec free = of_pattern("stem");
  free.weight_decay = 0;
  spec.groups = std::vector{free};
  const auto optimizer = make_optimizer(OptimizerSpec(spec), trainable_parameters(net));
  (0 * net.head.sum() + 0 * net.stem.sum()).backward();
  optimizer->step(0.1);
  CHECK(net.head.mean().item<double>() == Approx(0.95));
  CHECK(net.stem.mean().item<double>() == 1);
}

TEST_CASE("a pattern that fits nothing, and a network that is frozen whole, are refused", "[groups]") {
  TwoParts net;
  CHECK_THROWS_AS(freeze_parameters(net, std::vector{of_pattern("haed")}), base::ConfigError);
  CHECK_THROWS_AS(freeze_parameters(net, std::vector{of_pattern("*"), of_pattern("head")}), base::ConfigError);
  GroupSpec all = of_pattern("*");
  all.frozen = true;
  CHECK_THROWS_AS(freeze_parameters(net, std::vector{all}), base::ConfigError);
}

}  // namespace optdnn::training
