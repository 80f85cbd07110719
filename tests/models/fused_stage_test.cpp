// The linear combinations of a stage as single passes, norms taken along, against the same stage step by step (which
// the path of iterates takes), for every explicit rule.
#include "optdnn/models/fused_stage.h"

#include <ATen/autocast_mode.h>

#include "models/fast_and_slow.h"
#include "optdnn/base/random.h"
#include "optdnn/models/network.h"

using namespace optdnn;
using namespace optdnn::models;
using tests::difference;
using torch::Tensor;

namespace {

Network network(const algorithms::Rule& rule, StateAcross across) {
  OptNetSpec spec;
  spec.modules.assign(rule.families().size(), modules::ConvPreactSpec{});
  spec.width = {6, 8};
  spec.depth = {2, 3};
  spec.transition = ConvTransition{{across}};
  spec.head = PoolLinearHead{};
  return make_opt_net(rule, spec, {{3, 8, 8}, 4});
}

// The state after a stage that began at x, and the gradients of everything.
struct Outcome {
  Outcome(Stage& stage, const Tensor& x, bool step_by_step) {
    std::vector<Tensor> path;
    for (const Tensor& block : stage.run(stage.start(x), step_by_step ? &path : nullptr)) {
      if (block.defined()) values.push_back(block);
    }
    std::vector<Tensor> wanted = stage.parameters(), weights;
    wanted.push_back(x);
    for (const Tensor& value : values)
      weights.push_back(torch::linspace(-1, 2, value.numel(), value.options()).view_as(value));
    gradients = torch::autograd::grad(values, wanted, weights, {}, false, true);
  }
  std::vector<Tensor> values, gradients;
};

void require_equal(Stage& stage, const Tensor& x, double tolerance) {
  const Outcome fast(stage, x, false), slow(stage, x, true);
  REQUIRE(fast.values.size() == slow.values.size());
  for (size_t i = 0; i < fast.values.size(); ++i) REQUIRE(difference(fast.values[i], slow.values[i]) < tolerance);
  for (size_t i = 0; i < fast.gradients.size(); ++i) {
    CAPTURE(i);
    REQUIRE(fast.gradients[i].defined() == slow.gradients[i].defined());
    if (slow.gradients[i].defined()) REQUIRE(difference(fast.gradients[i], slow.gradients[i]) < tolerance);
  }
}

Tensor images(torch::Dtype type, int64_t width) {
  return torch::randn({4, width, 8, 8}, type).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
}

}  // namespace

TEST_CASE("a stage with fused combinations equals its steps for every explicit rule, values and gradients") {
  base::seed_torch(1);
  for (const auto& rule : tests::explicit_rules()) {
    for (const auto across : {StateAcross::carry, StateAcross::restart}) {
      CAPTURE(rule.name(), static_cast<int>(across));
      Network net = network(rule, across);
      net.module.ptr()->to(torch::kFloat64);
      require_equal(*net.opt_net->stages().front(), images(torch::kFloat64, 6), 1e-11);
    }
  }
}

TEST_CASE("a stage with fused combinations equals its steps in float32, for images that lie otherwise, and autocast") {
  base::seed_torch(2);
  const Network net = network(tests::catalogue_rule("apg2"), StateAcross::restart);
  Stage& stage = *net.opt_net->stages().front();
  require_equal(stage, images(torch::kFloat32, 6), 1e-3);
  require_equal(stage, images(torch::kFloat32, 6).detach().contiguous().requires_grad_(), 1e-3);
  at::autocast::set_autocast_enabled(torch::kCPU, true);
  const Tensor x = images(torch::kFloat32, 6);
  const State fast = stage.run(stage.start(x));
  std::vector<Tensor> path;
  const State slow = stage.run(stage.start(x), &path);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(torch::kCPU, false);
  for (size_t i = 0; i < fast.size(); ++i) {
    REQUIRE(fast[i].defined() == slow[i].defined());
    if (slow[i].defined()) REQUIRE(difference(fast[i], slow[i]) < 1e-6);
  }
}
