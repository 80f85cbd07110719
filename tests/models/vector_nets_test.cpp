// Networks on vectors: the path of points through the steps.
#include "models/rules.h"
#include "optdnn/base/random.h"
#include "optdnn/models/network.h"
#include "support/catch.h"

using namespace optdnn;
using namespace optdnn::models;
using torch::Tensor;

namespace {

const NetworkShape kPlane{{2}, 2};

OptNetSpec vector_spec(const algorithms::Rule& rule, int64_t depth) {
  OptNetSpec spec;
  spec.modules.assign(rule.families().size(), modules::DenseTwoLayerSpec{});
  spec.depth = {depth};
  spec.width = {2};
  spec.head = ReadStateHead{};
  return spec;
}

}  // namespace

TEST_CASE("the path of every explicit rule begins at the input and ends at the output, with a point per step") {
  for (const auto& entry : algorithms::catalogue()) {
    const algorithms::Rule rule = tests::catalogue_rule(entry.name);
    if (!rule.is_explicit()) continue;
    CAPTURE(rule.name());
    base::seed_torch(2);
    const Network net = make_opt_net(rule, vector_spec(rule, 4), kPlane);
    const Tensor x = torch::randn({6, 2});
    const torch::NoGradGuard no_grad;
    const auto path = net.opt_net->path(x);
    REQUIRE(path.size() == 5);
    REQUIRE(path.front().equal(x));
    REQUIRE(torch::allclose(path.back(), net.opt_net->forward(x), 1e-5, 1e-6));
    // A shorter network with the same weights ends where the longer one passes by.
    if (!rule.is_constant()) continue;
    base::seed_torch(2);
    const Network shorter = make_opt_net(rule, vector_spec(rule, 2), kPlane);
    auto longer = net.opt_net->named_parameters();
    for (auto& item : shorter.opt_net->named_parameters()) item.value().copy_(longer[item.key()]);
    REQUIRE(torch::allclose(path[2], shorter.opt_net->forward(x), 1e-6, 1e-6));
  }
}

TEST_CASE("a path begins at the rule's output before the first step, which need not be the input") {
  algorithms::RuleSpec spec;
  spec.name = "velocity";
  spec.equations = "p[k+1] = p[k] + S(x[k])\nx[k+1] = x[k] + T(p[k+1])";
  const Tensor x = torch::randn({3, 2});
  const torch::NoGradGuard no_grad;
  struct Case {
    std::string output;
    std::map<std::string, double> start;
    double factor;
  };
  for (const auto& [output, start, factor] : {Case{"p", {{"p", 0.0}}, 0.0}, {"x", {{"p", 0.0}, {"x", 2.0}}, 2.0}}) {
    CAPTURE(output);
    spec.output = output, spec.start = start;
    base::Diagnostics diagnostics;
    const algorithms::Rule rule = *algorithms::make_rule(spec, diagnostics);
    REQUIRE(make_opt_net(rule, vector_spec(rule, 2), kPlane).opt_net->path(x).front().equal(factor * x));
  }
}
