// A stage as one node against the same stage step by step (which the path of points takes), for every explicit rule.
#include "optdnn/models/vector_stage.h"

#include "models/fast_and_slow.h"
#include "optdnn/base/random.h"
#include "optdnn/models/network.h"
#include "optdnn/kernels/small_matrix.h"
#include "support/catch.h"

using namespace optdnn;
using namespace optdnn::models;
using modules::Activation;
using tests::difference;
using torch::Tensor;

namespace {

struct Shape {
  int64_t runs, samples, width, hidden;
};

Network network(const algorithms::Rule& rule, const Shape& shape, Activation activation, std::vector<int64_t> depth) {
  OptNetSpec spec;
  spec.modules.assign(rule.families().size(), modules::DenseTwoLayerSpec{shape.hidden, activation});
  spec.width.assign(depth.size(), shape.width);
  spec.depth = std::move(depth);
  spec.transition = ConvTransition{{StateAcross::carry}};
  spec.head = ReadStateHead{};
  std::vector<Network> runs;
  for (int64_t run = 0; run < shape.runs; ++run) {
    runs.push_back(make_opt_net(rule, spec, {{shape.width}, shape.width}));
  }
  return shape.runs == 1 ? runs.front() : stack_runs(runs);
}

Tensor inputs(const Shape& shape, torch::Dtype type) {
  const auto sizes = shape.runs == 1 ? std::vector<int64_t>{shape.samples, shape.width}
                                     : std::vector<int64_t>{shape.runs, shape.samples, shape.width};
  return torch::randn(sizes, type).requires_grad_();
}

std::vector<Tensor> trained(const Network& net, const Tensor& x) {
  std::vector<Tensor> all = net.module.ptr()->parameters();
  all.push_back(x);
  return all;
}

void require_equal(Network net, const Tensor& x, double tolerance) {
  const Tensor fast = net.opt_net->forward(x), slow = net.opt_net->path(x).back();
  REQUIRE(fast.grad_fn()->name() != slow.grad_fn()->name());
  REQUIRE(difference(fast, slow) < tolerance);
  const Tensor weight = torch::randn_like(slow);
  const auto fast_d = torch::autograd::grad({fast}, trained(net, x), {weight}, {}, false, true);
  const auto slow_d = torch::autograd::grad({slow}, trained(net, x), {weight}, {}, false, true);
  for (size_t i = 0; i < fast_d.size(); ++i) {
    CAPTURE(i);
    if (slow_d[i].defined()) {
      REQUIRE(difference(fast_d[i], slow_d[i]) < tolerance);
    } else {
      REQUIRE((!fast_d[i].defined() || fast_d[i].abs().max().item<double>() == 0.0));
    }
  }
}

}  // namespace

TEST_CASE("a stage as one node equals its steps for every explicit rule, values and gradients, with and without runs") {
  base::seed_torch(1);
  for (const auto& rule : tests::explicit_rules()) {
    for (const int64_t runs : {1, 3}) {
      CAPTURE(rule.name(), runs);
      const Shape shape{runs, 5, 3, 4};
      Network net = network(rule, shape, Activation::tanh, {2, 3});
      net.module.ptr()->to(torch::kFloat64);
      require_equal(net, inputs(shape, torch::kFloat64), 1e-12);
    }
  }
}

TEST_CASE("a stage as one node equals its steps for every size and activation") {
  base::seed_torch(2);
  const auto rule = tests::catalogue_rule("momentum");
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    for (const Activation activation : {Activation::tanh, Activation::sigmoid, Activation::relu}) {
      for (const Shape shape : {Shape{1, 1, 1, 1}, Shape{1, 255, 2, 16}, Shape{3, 256, 2, 16}, Shape{2, 700, 7, 3},
                                Shape{1, 33, 5, 9}, Shape{2, 16, 4, 6}}) {
        CAPTURE(type, static_cast<int>(activation), shape.runs, shape.samples, shape.width, shape.hidden);
        Network net = network(rule, shape, activation, {4});
        net.module.ptr()->to(type);
        require_equal(net, inputs(shape, type), type == torch::kFloat64 ? 1e-12 : 2e-4);
      }
    }
  }
}

TEST_CASE("a stage as one node can be differentiated twice") {
  base::seed_torch(3);
  for (const Activation activation : {Activation::tanh, Activation::sigmoid}) {
    const Shape shape{2, 9, 2, 4};
    Network net = network(tests::catalogue_rule("apg2"), shape, activation, {3});
    net.module.ptr()->to(torch::kFloat64);
    const Tensor x = inputs(shape, torch::kFloat64);
    const auto second = [&](const Tensor& y) {
      const Tensor slope = torch::autograd::grad({y.square().sum()}, {x}, {}, true, true).front();
      return torch::autograd::grad({slope.square().sum()}, trained(net, x), {}, {}, false, true);
    };
    const auto fast = second(net.opt_net->forward(x)), slow = second(net.opt_net->path(x).back());
    for (size_t i = 0; i < fast.size(); ++i) {
      if (slow[i].defined()) REQUIRE(difference(fast[i], slow[i]) < 1e-9);
    }
  }
}

TEST_CASE("evaluations, large layers and other activations do not become one node") {
  const auto is_node = [](const Network& net, const Tensor& x) {
    const auto& stage = net.opt_net->stages().front();
    const State after = stage->run(stage->start(x));
    return after.front().grad_fn()->name().find("VectorStageNode") != std::string::npos;
  };
  const auto rule = tests::catalogue_rule("gradient_descent");
  const Shape small{1, 4, 2, 16}, large{1, 4, 64, 64};
  const Tensor x = torch::randn({4, 2});
  Network net = network(rule, small, Activation::tanh, {3});
  REQUIRE(is_node(net, x));
  REQUIRE_FALSE(is_node(network(rule, small, Activation::gelu, {3}), x));
  REQUIRE_FALSE(is_node(network(rule, large, Activation::tanh, {3}), torch::randn({4, 64})));
  const torch::NoGradGuard no_grad;
  REQUIRE(difference(net.opt_net->forward(x), net.opt_net->path(x).back()) < 1e-6);
}

TEST_CASE("the fast tanh is right to a relative error of 4e-7, keeps NaN and never leaves [-1, 1]") {
  for (double x = -12; x <= 12; x += 1.0 / 4096) {
    const float y = kernels::fast_tanh(static_cast<float>(x));
    CAPTURE(x, y);
    if (std::abs(y - std::tanh(x)) > 4e-7 * std::abs(std::tanh(x)) || std::abs(y) > 1) FAIL();
  }
  for (float x = 1e-30f; x < 1; x *= 3) REQUIRE(std::abs(kernels::fast_tanh(x) / std::tanh(x) - 1) < 4e-7);
  const float infinity = std::numeric_limits<float>::infinity();
  REQUIRE(std::abs(kernels::fast_tanh(infinity) - 1) < 4e-7f);
  REQUIRE(std::abs(kernels::fast_tanh(-infinity) + 1) < 4e-7f);
  REQUIRE(std::isnan(kernels::fast_tanh(std::numeric_limits<float>::quiet_NaN())));
}
