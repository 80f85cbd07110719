// Implicit rules: against their equations, gradients against unrolled ones, and what a solve costs and reports.
#include <functional>

#include "models/rules.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/baselines/contraction.h"
#include "optdnn/baselines/cost.h"

using namespace optdnn;
using models::OptNet;
using models::OptNetSpec;
using solvers::GradientSpec;
using torch::Tensor;

namespace {

const models::NetworkShape kVectors{{3}, 2};

// Two unknowns that wait for each other, beside an explicit call, with a learnable coefficient inside the cycle.
algorithms::Rule coupled_rule() {
  algorithms::Coefficient beta;
  beta.name = "beta";
  beta.value = 0.5;
  beta.learn = algorithms::Learn::shared;
  beta.range = algorithms::Range{0, 1};
  return tests::rule_of(
      "x[k+1] = x[k] + R(z[k]) + T(x[k+1] - beta*z[k+1])\n"
      "z[k+1] = z[k]/2 + x[k]/2 + S(x[k+1] + z[k+1])/2",
      {beta});
}

std::vector<std::pair<std::string, algorithms::Rule>> implicit_rules() {
  std::vector<std::pair<std::string, algorithms::Rule>> rules;
  for (const auto& entry : algorithms::catalogue()) {
    auto rule = tests::catalogue_rule(std::string(entry.name));
    if (!rule.is_explicit()) rules.emplace_back(entry.name, std::move(rule));
  }
  rules.emplace_back("coupled", coupled_rule());
  return rules;
}

OptNetSpec net_spec(const algorithms::Rule& rule, int64_t steps, double tolerance, const GradientSpec& gradient) {
  OptNetSpec spec;
  modules::DenseTwoLayerSpec module;
  module.lipschitz = 0.4;
  spec.modules.assign(rule.families().size(), module);
  spec.depth = {3};
  spec.width = {3};
  solvers::AndersonSpec anderson;
  spec.solver = anderson;
  if (std::holds_alternative<solvers::UnrolledGradient>(gradient)) spec.solver = solvers::PicardSpec{};
  auto& solver = solvers::common(spec.solver);
  solver.steps = steps;
  solver.tolerance = tolerance;
  solver.gradient = gradient;
  return spec;
}

OptNet make_net(const algorithms::Rule& rule, const OptNetSpec& spec) {
  base::seed_torch(7);
  OptNet net(rule, spec, kVectors);
  net->to(torch::kFloat64);
  return net;
}

Tensor inputs() {
  base::seed_torch(8);
  return 2.0 * torch::randn({6, 3}, torch::kFloat64);
}

// Every gradient of the network as one vector.
Tensor gradient_vector(OptNet& net) {
  const Tensor x = inputs();
  net->zero_grad();
  (net->forward(x) * torch::arange(12.0, torch::kFloat64).view({6, 2}).sin()).sum().backward();
  std::vector<Tensor> all;
  for (const auto& parameter : net->named_parameters()) {
    INFO(parameter.key());
    REQUIRE(parameter->grad().defined());
    all.push_back(parameter->grad().flatten());
  }
  return torch::cat(all);
}

double cosine(const Tensor& a, const Tensor& b) { return (a.dot(b) / (a.norm() * b.norm())).item<double>(); }

// The state after the steps, each found by 80 substitutions of all calls into all calls.
Tensor naive_output(const algorithms::Rule& rule, models::OptNetImpl& net, const Tensor& input, int depth) {
  const auto stage = net.stages().front();
  const auto families = stage->named_children();
  const algorithms::LeafTable numbers = stage->coefficients().numbers();
  const auto number = [&](const algorithms::Leaf& leaf) { return numbers.at(leaf); };
  const auto row = [&](const Eigen::MatrixXd& weights, Eigen::Index i, const std::vector<Tensor>& tensors) {
    Tensor sum = torch::zeros_like(input);
    for (Eigen::Index j = 0; j < weights.cols(); ++j) sum = sum + weights(i, j) * tensors[j];
    return sum;
  };
  std::vector<Tensor> state(rule.step(0).states.size(), torch::zeros_like(input));
  for (const auto& term : rule.start()) state[term.column] = term.value.constant() * input;
  for (int k = 0; k < depth; ++k) {
    const auto symbolic = rule.step(k);
    const auto t = algorithms::evaluate(symbolic, number);
    std::vector<Tensor> u(symbolic.calls.size(), torch::zeros_like(input));
    for (int n = 0; n < 80; ++n) {
      for (size_t i = 0; i < u.size(); ++i) {
        const auto at = static_cast<Eigen::Index>(i);
        const auto& steps = families[rule.families()[symbolic.calls[i].family]]->named_children();
        const auto* module = steps.find(std::to_string(k));
        if (!module) continue;
        u[i] = std::dynamic_pointer_cast<modules::Module>(*module)->forward(row(t.C, at, state) + row(t.D, at, u), k);
      }
    }
    std::vector<Tensor> next;
    for (Eigen::Index i = 0; i < t.A.rows(); ++i) next.push_back(row(t.A, i, state) + row(t.B, i, u));
    state = next;
  }
  Tensor output = torch::zeros_like(input);
  for (const auto& term : rule.output(depth))
    output = output + term.value.evaluate<double>(number) * state[term.column];
  return output;
}

}  // namespace

TEST_CASE("every implicit rule runs as its tableau says, whatever solves it") {
  for (const auto& [name, rule] : implicit_rules()) {
    INFO(name);
    OptNetSpec spec = net_spec(rule, 100, 1e-12, solvers::ExactGradient{});
    spec.head = models::ReadStateHead{};
    torch::NoGradGuard no_grad;
    const Tensor x = inputs();
    OptNet witness = make_net(rule, spec);
    const Tensor expected = naive_output(rule, *witness, x, 3).narrow(1, 0, 2);
    config::for_each_alternative<solvers::SolverSpec>([&, &rule = rule](auto solver) {
      solver.steps = 100;
      solver.tolerance = 1e-12;
      spec.solver = solver;
      OptNet net = make_net(rule, spec);
      REQUIRE((net->forward(x) - expected).abs().max().item<double>() < 1e-10);
    });
  }
}

TEST_CASE("the exact gradient of every implicit rule equals the unrolled one to 1e-8, coefficients included") {
  for (const auto& [name, rule] : implicit_rules()) {
    INFO(name);
    OptNet exact = make_net(rule, net_spec(rule, 100, 1e-12, solvers::ExactGradient{}));
    OptNet unrolled = make_net(rule, net_spec(rule, 70, 0.0, solvers::UnrolledGradient{}));
    const Tensor difference = gradient_vector(exact) - gradient_vector(unrolled);
    REQUIRE(difference.abs().max().item<double>() < 1e-8);
  }
}

TEST_CASE("phantom and Jacobian-free gradients of trained nets keep a cosine above 0.5 with the exact one") {
  for (const auto& [name, rule] : implicit_rules()) {
    INFO(name);
    OptNet net = make_net(rule, net_spec(rule, 60, 1e-6, solvers::ExactGradient{}));
    torch::optim::Adam optimizer(net->parameters(), 0.03);
    const Tensor x = inputs(), target = torch::stack({x.select(1, 0).sin(), x.select(1, 1) * x.select(1, 2)}, 1);
    for (int i = 0; i < 40; ++i) {
      optimizer.zero_grad();
      (net->forward(x) - target).pow(2).mean().backward();
      optimizer.step();
    }
    solvers::fixed_points(*net).front()->tally().take();
    models::Network network{torch::nn::AnyModule(net.ptr()), net.ptr()};
    const auto cosines = baselines::measure_cosines(network, x);
    REQUIRE(cosines->jacobian_free.at(0) > 0.5);
    REQUIRE(cosines->phantom.at(0) > 0.5);
    REQUIRE(cosines->phantom.at(0) < 1.0);
    REQUIRE(solvers::fixed_points(*net).front()->tally().take().solves == 0);
    // As two networks that differ in their gradient alone.
    const auto gradient_of = [&](const GradientSpec& gradient) {
      solvers::fixed_points(*net).front()->set_gradient(gradient);
      return gradient_vector(net);
    };
    REQUIRE(cosine(gradient_of(solvers::ExactGradient{}), gradient_of(solvers::PhantomGradient{})) > 0.5);
  }
}

TEST_CASE("the memory of a training pass does not grow with the solver's steps, unless they are unrolled") {
  const auto rule = tests::catalogue_rule("pgd");
  const auto memory = [&](const GradientSpec& gradient, int64_t steps) {
    const auto net = std::make_shared<models::OptNetImpl>(rule, net_spec(rule, steps, 1e-3, gradient), kVectors);
    models::Network network{torch::nn::AnyModule(net), net};
    return baselines::measure_cost(network, kVectors).activation_mib_per_sample;
  };
  for (const GradientSpec& gradient : {GradientSpec(solvers::ExactGradient{}), GradientSpec(solvers::PhantomGradient{}),
                                       GradientSpec(solvers::JacobianFreeGradient{})}) {
    REQUIRE(memory(gradient, 50) == memory(gradient, 5));
  }
  REQUIRE(memory(solvers::UnrolledGradient{}, 50) > 5 * memory(solvers::UnrolledGradient{}, 5));
}

TEST_CASE("multiply-adds count every step a solve may take, and the evaluation after it") {
  const auto rule = tests::catalogue_rule("pgd");
  const auto products = [&](int64_t steps) {
    const auto net =
        std::make_shared<models::OptNetImpl>(rule, net_spec(rule, steps, 0.5, solvers::ExactGradient{}), kVectors);
    models::Network network{torch::nn::AnyModule(net), net};
    return baselines::measure_cost(network, kVectors).multiply_adds;
  };
  const int64_t module = 3 * 16 + 16 * 3, steps_of_the_rule = 3;
  REQUIRE(products(20) - products(10) >= 10 * module * steps_of_the_rule);
}

TEST_CASE("a solve that starts at the solution of the step before takes fewer steps") {
  const auto rule = tests::catalogue_rule("proximal_point");
  const auto steps = [&](bool warm) {
    OptNetSpec spec = net_spec(rule, 100, 1e-8, solvers::ExactGradient{});
    solvers::common(spec.solver).warm_start = warm;
    auto shared = std::get<modules::DenseTwoLayerSpec>(spec.modules[0]);
    shared.sharing = modules::Sharing::shared;
    spec.modules[0] = shared;
    spec.depth = {12};
    OptNet net = make_net(rule, spec);
    torch::NoGradGuard no_grad;
    net->forward(inputs());
    return solvers::fixed_points(*net).front()->tally().take().steps;
  };
  REQUIRE(steps(true) < steps(false));
}

TEST_CASE("a solve that does not converge is counted, and the pass goes on with finite numbers") {
  const auto rule = tests::catalogue_rule("proximal_point");
  OptNetSpec spec = net_spec(rule, 5, 1e-10, solvers::ExactGradient{});
  spec.modules = {modules::DenseTwoLayerSpec{}};
  spec.init_scale = 40.0;
  OptNet net = make_net(rule, spec);
  const Tensor output = net->forward(inputs());
  output.sum().backward();
  REQUIRE(output.isfinite().all().item<bool>());
  for (const auto& parameter : net->parameters()) REQUIRE(parameter.grad().isfinite().all().item<bool>());
  const auto numbers = solvers::fixed_points(*net).front()->tally().take();
  REQUIRE(numbers.failed > 0);
  REQUIRE(numbers.failed_back > 0);
}

TEST_CASE("the bounds of the modules give the factor of the contraction, which the measured radius keeps to") {
  for (const auto& [name, rule] : implicit_rules()) {
    INFO(name);
    const OptNetSpec spec = net_spec(rule, 50, 1e-6, solvers::ExactGradient{});
    const auto factor = baselines::contraction_factor(rule, spec.modules, 3);
    REQUIRE(factor.has_value());
    REQUIRE(*factor >= 0.4 - 1e-9);
    const auto net = make_net(rule, spec).ptr();
    models::Network network{torch::nn::AnyModule(net), net};
    const auto radii = baselines::measure_radii(network, inputs());
    REQUIRE(radii.size() == 1);
    REQUIRE(radii[0].size() == 1);
    REQUIRE(radii[0][0] > 0.0);
    REQUIRE(radii[0][0] <= *factor + 1e-6);
    REQUIRE(solvers::fixed_points(*net).front()->tally().take().solves == 0);  // measuring is not tallied
  }
  const auto rule = tests::catalogue_rule("pgd");
  REQUIRE(baselines::contraction_factor(rule, {modules::DenseTwoLayerSpec{}, modules::DenseTwoLayerSpec{}}, 3) ==
          std::nullopt);
  modules::DenseTwoLayerSpec bounded;
  bounded.lipschitz = 0.9;
  REQUIRE(baselines::contraction_factor(rule, {modules::DenseTwoLayerSpec{}, bounded}, 3) ==
          Approx(0.9));  // T is explicit
  REQUIRE(baselines::contraction_factor(tests::catalogue_rule("apg2"), {modules::DenseTwoLayerSpec{}}, 3) == 0.0);
}

TEST_CASE("several runs at once are solved as each alone, and are tallied apart") {
  const auto rule = coupled_rule();
  const OptNetSpec spec = net_spec(rule, 60, 1e-12, solvers::ExactGradient{});
  base::seed_torch(10);
  std::vector<OptNet> alone;
  for (int run = 0; run < 3; ++run) {
    alone.emplace_back(rule, spec, kVectors);
    alone.back()->to(torch::kFloat64);
  }
  OptNet together = make_net(rule, spec);
  for (auto& item : together->named_parameters()) {
    std::vector<Tensor> parts;
    for (auto& net : alone) parts.push_back(net->named_parameters()[item.key()].detach());
    item.value().set_data(torch::stack(parts));
  }
  const Tensor x = torch::randn({3, 4, 3}, torch::kFloat64);
  const Tensor outputs = together->forward(x);
  outputs.pow(2).sum().backward();
  for (int64_t run = 0; run < 3; ++run) {
    OptNet& net = alone[run];
    const Tensor output = net->forward(x[run]);
    REQUIRE(torch::allclose(outputs[run], output, 1e-9, 1e-9));
    output.pow(2).sum().backward();
    for (const auto& item : net->named_parameters()) {
      INFO(item.key());
      REQUIRE(torch::allclose(together->named_parameters()[item.key()].grad()[run], item->grad(), 1e-8, 1e-9));
    }
    const auto ours = solvers::fixed_points(*together).front()->tally().take(run);
    const auto theirs = solvers::fixed_points(*net).front()->tally().take();
    REQUIRE(ours.solves == theirs.solves);
    REQUIRE(ours.steps == Approx(theirs.steps).margin(0.5));
  }
}

TEST_CASE("images are solved for in the memory format they have") {
  const auto rule = tests::catalogue_rule("fista");
  OptNetSpec spec;
  spec.modules = {modules::ConvPreactSpec{}, modules::ImplicitConvSpec{}};
  spec.depth = {2, 2};
  spec.width = {8, 8};
  base::seed_torch(9);
  OptNet net(rule, spec, models::NetworkShape{{3, 8, 8}, 10});
  net->to(torch::kFloat64);
  const Tensor images = torch::randn({4, 3, 8, 8}, torch::kFloat64);
  const Tensor plain = net->forward(images);
  const Tensor last = net->forward(images.contiguous(torch::MemoryFormat::ChannelsLast));
  REQUIRE(torch::allclose(plain, last, 1e-2, 1e-4));  // within what the solver's tolerance allows
  last.sum().backward();
  for (const auto& parameter : net->named_parameters()) {
    INFO(parameter.key());
    REQUIRE(parameter->grad().defined());
  }
}

TEST_CASE("a module that is another one at every evaluation is not solved for") {
  modules::ConvNextSpec random;
  REQUIRE_NOTHROW(models::check_rule(tests::catalogue_rule("proximal_point"), {random}, 2));
  random.drop_path = 0.1;
  REQUIRE_THROWS_AS(models::check_rule(tests::catalogue_rule("proximal_point"), {random}, 2), base::ConfigError);
  REQUIRE_NOTHROW(models::check_rule(tests::catalogue_rule("gradient_descent"), {random}, 2));
}

TEST_CASE("a rule that solves in some of its steps has a solver in the stages that solve") {
  algorithms::Coefficient b;
  b.name = "b";
  b.values = {0.0, 0.5, 0.0};
  algorithms::RuleSpec equations;
  equations.name = "late";
  equations.equations = "x[k+1] = x[k] + T(x[k]) + b[k]*S(x[k+1])";
  equations.coefficients = {b};
  base::Diagnostics diagnostics;
  const auto rule = *algorithms::make_rule(equations, diagnostics);
  modules::ConvNextSpec random;
  random.drop_path = 0.1;
  REQUIRE_NOTHROW(models::check_rule(rule, {random, random}, 1));
  REQUIRE_THROWS_AS(models::check_rule(rule, {random, random}, 2), base::ConfigError);
  OptNetSpec spec;
  spec.modules = {modules::DenseTwoLayerSpec{8}, modules::DenseTwoLayerSpec{8}};
  spec.depth = {1, 1, 1};
  spec.width = {3, 3, 3};
  models::ConvTransition carried;
  carried.state = models::StateAcross::carry;
  spec.transition = carried;
  OptNet net(rule, spec, models::NetworkShape{{3}, 2});
  REQUIRE(solvers::fixed_points(*net).size() == 1);
  REQUIRE(net->stages()[1]->program().solves());
}

TEST_CASE("runge_kutta4 has order 4: halving the step divides the error by 16") {
  // T(x) = h A x: two opposite ReLUs make a linear map, h in its last layer.
  const auto rule = tests::catalogue_rule("runge_kutta4");
  const Tensor A = torch::tensor({{-0.3, 1.0, 0.0}, {-1.0, -0.2, 0.4}, {0.1, 0.0, -0.5}}, torch::kFloat64);
  const Tensor x = torch::tensor({{1.0, -0.5, 2.0}}, torch::kFloat64);
  const auto error = [&](int64_t steps) {
    OptNetSpec spec;
    spec.modules = {modules::DenseTwoLayerSpec{6, modules::Activation::relu, modules::Sharing::shared, {}}};
    spec.depth = {steps};
    spec.width = {3};
    spec.head = models::ReadStateHead{};
    OptNet net(rule, spec, models::NetworkShape{{3}, 3});
    net->to(torch::kFloat64);
    torch::NoGradGuard no_grad;
    for (auto& parameter : net->named_parameters()) {
      if (parameter.key().ends_with("bias")) parameter->zero_();
      if (parameter.key().ends_with("layer1.weight")) parameter->copy_(torch::cat({torch::eye(3), -torch::eye(3)}));
      if (parameter.key().ends_with("layer2.weight"))
        parameter->copy_(torch::cat({A, -A}, 1) / static_cast<double>(steps));
    }
    return (net->forward(x) - x.matmul(torch::linalg_matrix_exp(A).t())).norm().item<double>();
  };
  for (const int64_t steps : {4, 8}) REQUIRE(std::log2(error(steps) / error(2 * steps)) == Approx(4.0).margin(0.15));
}
