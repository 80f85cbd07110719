// The equilibrium baselines against their published equations and counts.
#include "models/rules.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/baselines/catalogue.h"
#include "optdnn/baselines/cost.h"
#include "optdnn/baselines/mondeq.h"

using namespace optdnn;
using torch::Tensor;

namespace {

const models::NetworkShape kSmallImage{{3, 8, 8}, 10};

solvers::SolverSpec picard(int64_t steps, double tolerance, const solvers::GradientSpec& gradient) {
  solvers::PicardSpec spec;
  spec.steps = steps;
  spec.tolerance = tolerance;
  spec.gradient = gradient;
  return spec;
}

baselines::MonDeqSpec mondeq_spec(baselines::Splitting splitting, double alpha) {
  baselines::MonDeqSpec spec;
  spec.width = 6;
  spec.splitting = splitting;
  spec.alpha = alpha;
  spec.solver = picard(1500, 1e-12, solvers::ExactGradient{});
  return spec;
}

baselines::MonDeq make_mondeq(const baselines::MonDeqSpec& spec) {
  base::seed_torch(3);
  baselines::MonDeq net(spec, kSmallImage);
  net->to(torch::kFloat64);
  return net;
}

Tensor images() {
  base::seed_torch(4);
  return torch::randn({3, 3, 8, 8}, torch::kFloat64);
}

std::vector<baselines::ModelSpec> equilibrium_models() {
  baselines::DeqSpec deq;
  deq.width = deq.hidden = 8;
  baselines::MdeqSpec mdeq;
  mdeq.width = {8, 8, 16};
  baselines::MonDeqSpec mondeq;
  mondeq.width = 8;
  return {deq, mdeq, mondeq};
}

}  // namespace

TEST_CASE("both splittings of mondeq find the z with z = relu(W z + U x + b)") {
  for (const auto& [splitting, alpha] : {std::pair(baselines::Splitting::peaceman_rachford, 1.0),
                                         std::pair(baselines::Splitting::peaceman_rachford, 0.3),
                                         std::pair(baselines::Splitting::forward_backward, 0.05)}) {
    baselines::MonDeq net = make_mondeq(mondeq_spec(splitting, alpha));
    torch::NoGradGuard no_grad;
    const Tensor x = images(), z = net->equilibrium(x);
    const Tensor fixed = torch::relu(net->times_W(z) + net->injection(x));
    REQUIRE((z - fixed).abs().max().item<double>() < 1e-9);
    REQUIRE(z.max().item<double>() > 0.01);
  }
}

TEST_CASE("I - W of mondeq is at least m I, and W is its matrix written out") {
  baselines::MonDeq net = make_mondeq(mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0));
  torch::NoGradGuard no_grad;
  const int64_t size = 6 * 10 * 10;
  const Tensor W = net->times_W(torch::eye(size, torch::kFloat64).view({size, 6, 10, 10})).view({size, size});
  const Tensor symmetric = torch::eye(size, torch::kFloat64) - (W + W.t()) / 2;
  REQUIRE(torch::linalg_eigvalsh(symmetric).min().item<double>() >= 1.0 - 1e-9);
}

TEST_CASE("the exact gradient of mondeq is the same through both splittings, and the unrolled one") {
  const auto gradient = [](baselines::MonDeqSpec spec) {
    baselines::MonDeq net = make_mondeq(spec);
    net->forward(images()).pow(2).sum().backward();
    std::vector<Tensor> all;
    for (const auto& parameter : net->named_parameters()) all.push_back(parameter->grad().flatten());
    return torch::cat(all);
  };
  const Tensor reflected = gradient(mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0));
  const Tensor forward = gradient(mondeq_spec(baselines::Splitting::forward_backward, 0.05));
  baselines::MonDeqSpec unrolled = mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0);
  unrolled.solver = picard(80, 0.0, solvers::UnrolledGradient{});
  const double scale = reflected.abs().max().item<double>();
  REQUIRE((reflected - forward).abs().max().item<double>() < 1e-7 * scale);
  REQUIRE((reflected - gradient(unrolled)).abs().max().item<double>() < 1e-7 * scale);
}

TEST_CASE("mondeq of width 81 has the 172 k parameters of the published one on CIFAR-10") {
  baselines::MonDeq net(baselines::MonDeqSpec{}, models::NetworkShape{{3, 32, 32}, 10});
  REQUIRE((baselines::count_parameters(*net) + 500) / 1000 == 172);  // 172 k in Winston, Kolter 2020, Table 1
}

TEST_CASE("every equilibrium network trains: finite logits, a gradient for every weight, a tally of its solves") {
  for (const baselines::ModelSpec& spec : equilibrium_models()) {
    std::visit([](const auto& chosen) { UNSCOPED_INFO(std::decay_t<decltype(chosen)>::kName); }, spec);
    base::seed_torch(5);
    models::Network network = baselines::make_baseline(spec, kSmallImage);
    const Tensor logits = network.forward(torch::randn({4, 3, 8, 8}));
    REQUIRE(logits.sizes() == torch::IntArrayRef({4, 10}));
    (logits * torch::randn_like(logits)).sum().backward();
    for (const auto& parameter : network.module.ptr()->named_parameters()) {
      INFO(parameter.key());
      REQUIRE(parameter->grad().defined());
      REQUIRE(parameter->grad().isfinite().all().item<bool>());
    }
    const auto points = solvers::fixed_points(*network.module.ptr());
    REQUIRE(points.size() == 1);
    REQUIRE(points.front()->tally().take().solves == 4);
  }
}

TEST_CASE("equilibrium networks refuse vectors, and images too small for their scales") {
  for (const baselines::ModelSpec& spec : equilibrium_models()) {
    REQUIRE_THROWS_AS(baselines::make_baseline(spec, models::NetworkShape{{3}, 2}), base::ConfigError);
  }
  baselines::MdeqSpec deep;
  deep.width = std::vector<int64_t>(5, 8);
  REQUIRE_THROWS_AS(baselines::make_baseline(deep, kSmallImage), base::ConfigError);
}
