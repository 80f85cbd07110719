// Every executor against `operators`, for every rule of the catalogue in every setting: values and gradients. Which one
// runs is part of what is tested: a fast one that declines in silence turns these red.
#include <ATen/autocast_mode.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include "models/nets_to_run.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/execution/passes.h"
#include "optdnn/models/network.h"

using namespace optdnn;
using namespace optdnn::models;
using modules::Activation;
using tests::difference;
using tests::Outcome;
using tests::run_by;
using tests::Setting;
using tests::Shape;
using tests::transition;
using tests::vector_net;
using tests::vectors;
using torch::Tensor;

namespace {

Network image_net(const algorithms::Rule& rule, Setting setting, bool recompute = false) {
  OptNetSpec spec;
  spec.modules.assign(rule.families().size(), modules::ConvPreactSpec{});
  if (setting == Setting::dense) spec.modules.assign(rule.families().size(), modules::ConvSingleSpec{});
  if (!rule.is_explicit()) spec.modules.assign(rule.families().size(), modules::ImplicitConvSpec{});
  spec.width = {6, 8};
  spec.depth = {2, 3};
  spec.transition = transition(setting);
  spec.head = PoolLinearHead{};
  spec.recompute = recompute;
  auto& solver = solvers::common(spec.solver);
  solver.steps = 8;
  solver.tolerance = 0;
  return make_opt_net(rule, spec, {{3, 8, 8}, 4});
}

Tensor images(torch::Dtype type) {
  return torch::randn({4, 3, 8, 8}, type).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
}

void require_equal(Network& net, const std::string& name, const Tensor& x, double tolerance) {
  const Outcome fast = run_by(name, net, x), slow = run_by("operators", net, x);
  REQUIRE(difference(fast.output, slow.output) < tolerance);
  for (size_t i = 0; i < fast.gradients.size(); ++i) {
    CAPTURE(i);
    const Tensor &a = fast.gradients[i], &b = slow.gradients[i];
    if (a.defined() && b.defined()) {
      // A gradient that is zero but for rounding has no relative error.
      REQUIRE((a - b).abs().max().item<double>() < tolerance * (1e-3 + b.abs().max().item<double>()));
    } else if (a.defined() || b.defined()) {
      REQUIRE((a.defined() ? a : b).abs().max().item<double>() == 0.0);
    }
  }
}

// What a pass with gradients chose by itself, stage by stage.
std::string chosen(Network& net, const Tensor& x) {
  net.forward(x);
  std::string names;
  for (const auto& stage : net.opt_net->stages()) names += stage->execution().choice()->name + " ";
  return names;
}

std::vector<algorithms::Rule> all_rules() {
  auto rules = tests::explicit_rules();
  for (const auto& entry : algorithms::catalogue()) {
    auto rule = tests::catalogue_rule(entry.name);
    if (!rule.is_explicit()) rules.push_back(rule);
  }
  return rules;
}

}  // namespace

TEST_CASE("images run by `fused` unasked, and as by the operators: every rule, every setting, learned or not") {
  base::seed_torch(1);
  for (const auto& rule : all_rules()) {
    for (const Setting setting : {Setting::resnet, Setting::dense, Setting::carry}) {
      CAPTURE(rule.name(), static_cast<int>(setting));
      Network net = image_net(rule, setting);
      net.module.ptr()->to(torch::kFloat64);
      const Tensor x = images(torch::kFloat64);
      REQUIRE(chosen(net, x) == "fused fused ");
      REQUIRE(net.opt_net->stages().front()->execution().choice()->declined.front().first == "whole");
      require_equal(net, "fused", x, rule.is_explicit() ? 1e-9 : 1e-6);
    }
  }
}

TEST_CASE("small vectors train by `whole` unasked, and as by the operators: every rule, every setting, many runs") {
  base::seed_torch(2);
  for (const auto& rule : tests::explicit_rules()) {
    for (const Setting setting : {Setting::resnet, Setting::dense, Setting::carry}) {
      for (const int64_t runs : {1, 3}) {
        CAPTURE(rule.name(), static_cast<int>(setting), runs);
        const Shape shape{runs, 5, 3, 4};
        Network net = vector_net(rule, setting, shape, Activation::tanh, {2, 3});
        net.module.ptr()->to(torch::kFloat64);
        const Tensor x = vectors(shape, torch::kFloat64);
        REQUIRE(chosen(net, x) == "whole whole ");
        require_equal(net, "whole", x, 1e-11);
        if (runs == 1) require_equal(net, "fused", x, 1e-11);
      }
    }
  }
}

TEST_CASE("`whole` equals the operators for every size and activation, and for more than 32 runs") {
  base::seed_torch(3);
  const auto rule = tests::catalogue_rule("momentum");
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    for (const Activation activation : {Activation::tanh, Activation::sigmoid, Activation::relu}) {
      for (const Shape shape : {Shape{1, 1, 1, 1}, Shape{1, 255, 2, 16}, Shape{3, 256, 2, 16}, Shape{2, 700, 7, 3},
                                Shape{1, 33, 5, 9}, Shape{40, 16, 4, 6}}) {
        CAPTURE(type, static_cast<int>(activation), shape.runs, shape.samples, shape.width, shape.hidden);
        Network net = vector_net(rule, Setting::resnet, shape, activation, {4});
        net.module.ptr()->to(type);
        require_equal(net, "whole", vectors(shape, type), type == torch::kFloat64 ? 1e-11 : 2e-3);
      }
    }
  }
}

TEST_CASE("`fused` equals the operators in float32, for images that lie otherwise, under autocast and recomputed") {
  base::seed_torch(4);
  const auto rule = tests::catalogue_rule("apg2");
  Network net = image_net(rule, Setting::resnet), again = image_net(rule, Setting::resnet, true);
  again.module.ptr()->to(torch::kFloat64);
  require_equal(net, "fused", images(torch::kFloat32), 1e-3);
  require_equal(net, "fused", images(torch::kFloat32).detach().contiguous().requires_grad_(), 1e-3);
  require_equal(again, "fused", images(torch::kFloat64), 1e-9);
  at::autocast::set_autocast_enabled(torch::kCPU, true);
  const Tensor x = images(torch::kFloat32);
  net.opt_net->force_executor("fused");
  const Tensor fast = net.forward(x);
  net.opt_net->force_executor("operators");
  const Tensor slow = net.forward(x);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(torch::kCPU, false);
  REQUIRE(difference(fast.to(torch::kFloat32), slow.to(torch::kFloat32)) < 1e-2);
}

TEST_CASE("an executor that declines says why; forced it is an error of the configuration, but not in evaluations") {
  const auto rule = tests::catalogue_rule("gradient_descent");
  const auto declined = [&](const Shape& shape, Activation activation) {
    Network net = vector_net(rule, Setting::resnet, shape, activation, {3});
    REQUIRE(chosen(net, vectors(shape, torch::kFloat32)) == "fused ");
    REQUIRE_THROWS_AS(net.opt_net->force_executor("whole"), base::ConfigError);
    return net.opt_net->stages().front()->execution().choice()->declined.front().second;
  };
  REQUIRE(declined({1, 4, 2, 16}, Activation::gelu) == "an activation other than tanh, sigmoid and relu");
  REQUIRE(declined({1, 4, 64, 64}, Activation::tanh) == "a module of width times hidden 4096, over 1024");
  const Shape small{1, 4, 2, 16};
  Network net = vector_net(rule, Setting::resnet, small, Activation::tanh, {3});
  REQUIRE_THROWS_AS(net.opt_net->force_executor("hole"), base::ConfigError);
  net.opt_net->force_executor("whole");
  const Tensor x = vectors(small, torch::kFloat32), trained = net.forward(x);
  {
    const torch::NoGradGuard no_grad;
    REQUIRE(difference(net.forward(x), trained) < 1e-6);
  }
  at::autocast::set_autocast_enabled(torch::kCPU, true);
  REQUIRE_THROWS_AS(net.forward(x), base::ConfigError);
  at::autocast::set_autocast_enabled(torch::kCPU, false);
}

namespace {

class HeldBytes : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t alloc_size, size_t, size_t, c10::Device) override {
    held_ += alloc_size;
    most = std::max(most, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t most = 0;

 private:
  int64_t held_ = 0;
};

}  // namespace

TEST_CASE("an evaluation holds no more values than the program counts, however deep") {
  constexpr int64_t kSamples = 4096, kWidth = 64;
  for (const std::string rule : {"gradient_descent", "heavy_ball", "apg2", "nesterov", "apg"}) {
    for (const std::string name : {"operators", "fused"}) {
      const Shape shape{1, kSamples, kWidth, 1};  // whose modules need little memory themselves
      Network net = vector_net(tests::catalogue_rule(rule), Setting::resnet, shape, Activation::gelu, {30});
      const auto& stage = net.opt_net->stages().front();
      stage->execution().force(name);
      const torch::NoGradGuard no_grad;
      Tensor x = torch::randn({kSamples, kWidth});
      const auto held = std::make_shared<HeldBytes>();
      {
        const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, held);
        stage->run({x});
      }
      const double values = static_cast<double>(held->most) / static_cast<double>(x.nbytes());
      CAPTURE(rule, name, values);
      // More: a sum in the making, and hidden layers; `fused` has all values of a combination before any is let go.
      REQUIRE(values < execution::most_values(stage->program()) + (name == std::string("fused") ? 2.2 : 1.2));
    }
  }
}
