// The linear combinations of a stage as single passes against the same stage step by step (which the path of iterates
// takes), for every explicit rule; and linear maps made at random against LibTorch's operators.
#include "optdnn/models/fused_stage.h"

#include <ATen/autocast_mode.h>

#include <random>

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

LinearMap random_map(std::mt19937& random, int learned) {
  const auto draw = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  Tape tape{1 + draw(4), {}};
  const int operations = 1 + draw(5);
  for (int i = 0; i < operations; ++i) {
    TapeOperation operation;
    for (int terms = 1 + draw(6); terms > 0; --terms) {
      const double weights[] = {1.0, -0.5, 2.0, 0.3};
      operation.terms.push_back({draw(tape.values()), weights[draw(4)], learned && draw(3) == 0 ? draw(learned) : -1});
    }
    tape.operations.push_back(operation);
  }
  std::vector<int> outputs;
  for (int v = tape.inputs; v < tape.values(); ++v) {
    if (v + 1 == tape.values() || draw(2)) outputs.push_back(v);
  }
  return {tape, outputs};
}

std::vector<Tensor> by_operators(const LinearMap& map, std::vector<Tensor> values, at::TensorList learned) {
  for (const TapeOperation& operation : map.tape.operations)
    values.push_back(combine(operation.terms, values, learned));
  std::vector<Tensor> outputs;
  for (const int value : map.outputs) outputs.push_back(values[value]);
  return outputs;
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

TEST_CASE("linear maps made at random equal LibTorch's operators: values, first and second derivatives") {
  std::mt19937 random(3);
  base::seed_torch(3);
  for (int round = 0; round < 200; ++round) {
    const int L = round % 3;
    const auto map = std::make_shared<const LinearMap>(random_map(random, L));
    CAPTURE(round, L);
    const int64_t size = round % 5 == 0 ? 41 : 3;  // more than one block, and less
    std::vector<Tensor> inputs, learned, wanted;
    for (int i = 0; i < map->tape.inputs; ++i) {
      inputs.push_back(torch::randn({2, 5, size, size}, torch::kFloat64).requires_grad_());
    }
    for (int l = 0; l < L; ++l) learned.push_back(torch::randn({}, torch::kFloat64).requires_grad_());
    wanted = inputs;
    wanted.insert(wanted.end(), learned.begin(), learned.end());

    const auto fast = apply(map, inputs, learned), slow = by_operators(*map, inputs, learned);
    std::vector<Tensor> weights;
    for (const Tensor& value : slow) weights.push_back(torch::randn_like(value).requires_grad_());
    for (size_t i = 0; i < fast.size(); ++i) REQUIRE(difference(fast[i], slow[i]) < 1e-12);
    const auto fast_d = torch::autograd::grad(fast, wanted, weights, true, true, true);
    const auto slow_d = torch::autograd::grad(slow, wanted, weights, true, true, true);
    const auto plain_d = torch::autograd::grad(fast, wanted, weights, true, false, true);  // the kernel's
    Tensor fast_sum = torch::zeros({}, torch::kFloat64), slow_sum = fast_sum;
    for (size_t i = 0; i < fast_d.size(); ++i) {
      const Tensor zero = torch::zeros_like(wanted[i]);
      const auto or_zero = [&](const Tensor& d) { return d.defined() ? d : zero; };
      REQUIRE(difference(or_zero(fast_d[i]), or_zero(slow_d[i])) < 1e-11);
      REQUIRE(difference(or_zero(plain_d[i]), or_zero(slow_d[i])) < 1e-11);
      fast_sum = fast_sum + or_zero(fast_d[i]).square().sum();
      slow_sum = slow_sum + or_zero(slow_d[i]).square().sum();
    }
    if (!slow_sum.requires_grad()) continue;
    wanted.insert(wanted.end(), weights.begin(), weights.end());
    const auto fast_2 = torch::autograd::grad({fast_sum}, wanted, {}, false, false, true);
    const auto slow_2 = torch::autograd::grad({slow_sum}, wanted, {}, false, false, true);
    for (size_t i = 0; i < fast_2.size(); ++i) {
      if (slow_2[i].defined() && slow_2[i].abs().max().item<double>() > 0) {
        REQUIRE(difference(fast_2[i], slow_2[i]) < 1e-10);
      }
    }
  }
}

TEST_CASE("a linear map keeps no tensor that its derivatives do not need") {
  const auto constant =
      std::make_shared<const LinearMap>(Tape{2, {{-1, 0, {{0, 1.0}, {1, 0.5}}}}}, std::vector<int>{2});
  REQUIRE(constant->kept == std::vector<bool>{false, false});
  const auto learned =
      std::make_shared<const LinearMap>(Tape{2, {{-1, 0, {{0, 1.0}, {1, 1.0, 0}}}}}, std::vector<int>{2});
  REQUIRE(learned->kept == std::vector<bool>{false, true});
}
