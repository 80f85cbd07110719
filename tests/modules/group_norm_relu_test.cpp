// The group norm with relu that is one node equals LibTorch's operators: values, first and second derivatives.
#include "optdnn/modules/group_norm_relu.h"

#include <ATen/Parallel.h>

#include <limits>

#include "optdnn/modules/implicit_conv.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/normalisation.h"
#include "support/close.h"
#include "support/contains_text.h"

namespace optdnn::modules {
namespace {

using tests::check_close;
using tests::contains_text;
using torch::Tensor;

// Channels that are multiples of a vector's lanes and not; one group, and a group for each channel.
struct Grouped {
  int64_t batch, channels, groups, size_px;
};
const std::vector<Grouped> kGrouped = {{2, 1, 1, 4},  {4, 3, 1, 8},  {2, 12, 4, 4},  {3, 16, 8, 8},
                                       {2, 24, 8, 6}, {5, 64, 8, 8}, {1, 100, 4, 4}, {3, 16, 16, 16}};

struct GroupedProblem {
  // The first samples have deviations below 1, the others above, so that the bounded norm goes both ways.
  GroupedProblem(const Grouped& s, torch::Dtype type, bool bounded, double mean = 0.3) {
    torch::manual_seed(11);
    const Tensor sizes = torch::linspace(0.2, 3.0, s.batch, type).view({-1, 1, 1, 1});
    x = (torch::randn({s.batch, s.channels, s.size_px, s.size_px}, type) * sizes + mean)
            .contiguous(at::MemoryFormat::ChannelsLast)
            .requires_grad_();
    norm = {s.groups, torch::randn({s.channels}, type).requires_grad_(),
            torch::randn({s.channels}, type).requires_grad_(), 1e-5, bounded};
    dy = torch::randn_like(x.detach());
  }
  std::vector<Tensor> leaves() const { return {x, norm.weight, norm.bias}; }

  Tensor x, dy;
  GroupNorm norm;
};

Tensor plain_group_norm(const GroupedProblem& p) {
  return torch::relu(p.norm.bounded
                         ? bounded_group_norm(p.x, p.norm.groups, p.norm.weight, p.norm.bias)
                         : torch::group_norm(p.x, p.norm.groups, p.norm.weight, p.norm.bias, p.norm.epsilon));
}

Tensor fused_group_norm(const GroupedProblem& p) {
  REQUIRE(group_norm_relu_fits(p.x, p.norm));
  return activated_group_norm(p.x, p.norm, Activation::relu);
}

}  // namespace

TEST_CASE("group norm with relu equals the operators, bounded or not") {
  for (const Grouped& s : kGrouped) {
    for (const auto type : {torch::kFloat64, torch::kFloat32}) {
      for (const bool bounded : {false, true}) {
        CAPTURE(s.batch, s.channels, s.groups, s.size_px, type, bounded);
        const double tolerance = type == torch::kFloat64 ? 1e-10 : 2e-4;
        const GroupedProblem problem(s, type, bounded);
        const Tensor y = fused_group_norm(problem), expected = plain_group_norm(problem);
        CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast));
        check_close(y, expected, tolerance);
        const auto found = torch::autograd::grad({y}, problem.leaves(), {problem.dy});
        const auto wanted = torch::autograd::grad({expected}, problem.leaves(), {problem.dy});
        for (size_t i = 0; i < found.size(); ++i) check_close(found[i], wanted[i], tolerance);
      }
    }
  }
}

TEST_CASE("group norm with relu is differentiable twice") {
  const Grouped s{3, 4, 2, 4};
  for (const bool bounded : {false, true}) {
    const GroupedProblem problem(s, torch::kFloat64, bounded);
    const auto second = [&](const Tensor& y) {
      const auto first = torch::autograd::grad({y}, problem.leaves(), {problem.dy}, true, true);
      return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(3).sum() + first[2].pow(2).sum()},
                                   problem.leaves());
    };
    const auto found = second(fused_group_norm(problem)), wanted = second(plain_group_norm(problem));
    for (size_t i = 0; i < found.size(); ++i) check_close(found[i], wanted[i], 1e-9);
  }
}

TEST_CASE("group norm with relu keeps its digits under a large mean") {
  const Grouped s{2, 16, 4, 8};
  const GroupedProblem wide(s, torch::kFloat64, false, 1000.0);
  GroupedProblem narrow = wide;
  narrow.x = wide.x.detach().to(torch::kFloat32), narrow.norm.weight = wide.norm.weight.detach().to(torch::kFloat32);
  narrow.norm.bias = wide.norm.bias.detach().to(torch::kFloat32);
  GroupedProblem rounded = wide;
  rounded.x = narrow.x.to(torch::kFloat64);
  check_close(fused_group_norm(narrow).to(torch::kFloat64), fused_group_norm(rounded), 2e-3);
}

TEST_CASE("group norm with relu is the same for any number of threads") {
  const GroupedProblem problem({5, 16, 8, 16}, torch::kFloat32, true);
  const int before = at::get_num_threads();
  std::vector<std::vector<Tensor>> results;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const Tensor y = fused_group_norm(problem);
    results.push_back(torch::autograd::grad({y}, problem.leaves(), {problem.dy}));
    results.back().push_back(y);
  }
  at::set_num_threads(before);
  for (const auto& result : results) {
    for (size_t i = 0; i < result.size(); ++i) CHECK(torch::equal(result[i], results[0][i]));
  }
}

TEST_CASE("group norm with relu lets NaN through in its sample and group alone") {
  GroupedProblem problem({2, 16, 4, 4}, torch::kFloat32, false);
  problem.x = problem.x.detach().clone();
  problem.x[1][5][2][3] = std::numeric_limits<float>::quiet_NaN();
  const Tensor bad = fused_group_norm(problem).isnan();
  CHECK(bad[1].narrow(0, 4, 4).all().item<bool>());
  CHECK(bad.sum().item<int64_t>() == 4 * 16);
}

TEST_CASE("group norm with relu refuses what it cannot take, and the layer goes the plain way") {
  const GroupedProblem problem({2, 3, 1, 4}, torch::kFloat32, false);
  GroupNorm norm = problem.norm;
  CHECK(group_norm_relu_fits(problem.x, norm));
  CHECK_FALSE(group_norm_relu_fits(problem.x.contiguous(), norm));
  CHECK_FALSE(group_norm_relu_fits(problem.x.to(torch::kBFloat16), norm));
  const Tensor odd = torch::randn({2, 3, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  CHECK_FALSE(group_norm_relu_fits(odd, norm));
  norm.weight = Tensor(), norm.bias = Tensor();
  CHECK_FALSE(group_norm_relu_fits(problem.x, norm));
  for (const auto kind : {NormKind::group, NormKind::layer}) {
    for (const auto activation : {Activation::relu, Activation::tanh}) {
      Norm layer(kind, 3);
      for (const Tensor& x : {odd, problem.x.detach()}) {
        check_close(layer->activated(x, activation), activate(activation, layer->forward(x)), 1e-5);
      }
    }
  }
}

TEST_CASE("a norm over one value is refused by its own name, activated or not") {
  const Tensor x = torch::randn({2, 1, 1, 1});
  for (const auto& [kind, message] : {std::pair(NormKind::group, "a group norm would see one value of a group"),
                                      std::pair(NormKind::layer, "a layer norm would see one value of a sample")}) {
    Norm norm(kind, 1);
    CHECK_THROWS_WITH(norm->forward(x), contains_text(message));
    CHECK_THROWS_WITH(norm->activated(x, Activation::relu), contains_text(message));
    CHECK_THROWS_WITH(norm->activated(x, Activation::tanh), contains_text(message));
  }
}

TEST_CASE("what implicit rules solve for takes its group norm with relu as one node") {
  for (const auto normalisation : {Normalisation::spectral, Normalisation::weight}) {
    torch::manual_seed(3);
    ImplicitConvSpec spec;
    spec.normalisation = normalisation;
    const auto module = spec.make(16, 1, {});
    const Tensor x = torch::randn({2, 16, 8, 8}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
    const Tensor y = module->forward(x, 0);
    CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    std::vector<std::string> nodes;
    for (auto node = y.grad_fn(); node; node = node->num_outputs() > 0 ? node->next_edge(0).function : nullptr) {
      nodes.push_back(node->name());
    }
    CAPTURE(nodes);
    // Convolution, norm with relu, convolution, and what gathers the gradient of x.
    CHECK(nodes.size() == 4);
  }
}

}  // namespace optdnn::modules
