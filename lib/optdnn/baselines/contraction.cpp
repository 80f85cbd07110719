#include "optdnn/baselines/contraction.h"

#include <algorithm>

#include "optdnn/algorithms/call_groups.h"
#include "optdnn/algorithms/root_condition.h"

namespace optdnn::baselines {

std::optional<double> contraction_factor(const algorithms::Rule& rule, const std::vector<modules::ModuleSpec>& modules,
                                         int depth) {
  double largest = 0;
  if (rule.is_explicit()) return largest;
  for (int k = 0; k < depth; ++k) {
    const algorithms::Tableau step = rule.step(k);
    Eigen::VectorXd bounds = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(step.calls.size()));
    for (const auto& group : algorithms::call_groups(step)) {
      for (const int call : group.calls) {
        if (!group.implicit) continue;
        const auto bound = modules::module_traits(modules[step.calls[call].family]).lipschitz_bound;
        if (!bound) return std::nullopt;
        bounds(call) = *bound;
      }
    }
    const auto initial = [&](const algorithms::Leaf& leaf) { return rule.initial_value(leaf); };
    largest = std::max(largest, algorithms::cycle_gain(algorithms::evaluate(step.D, initial) * bounds.asDiagonal()));
    if (rule.is_constant()) break;
  }
  return largest;
}

namespace {

using Points = std::vector<std::shared_ptr<solvers::FixedPointImpl>>;
using Mode = solvers::FixedPointImpl::Mode;

// The network in evaluation, its solves in a pass of this kind, while it lives.
class Measuring {
 public:
  Measuring(torch::nn::Module& module, const Points& points, Mode mode)
      : module_(module), points_(points), was_training_(module.is_training()) {
    module.eval();
    for (const auto& point : points) point->set_mode(mode);
  }
  ~Measuring() {
    for (const auto& point : points_) point->set_mode(Mode::normal);
    module_.train(was_training_);
  }

 private:
  torch::nn::Module& module_;
  const Points& points_;
  bool was_training_;
};

// Shapes: runs x (parameters of a run).
torch::Tensor gradient_rows(Network& network, const torch::Tensor& inputs, int64_t runs) {
  const torch::Tensor outputs = network.forward(inputs);
  const torch::Tensor weights = (torch::arange(outputs.numel(), outputs.options()) * 1.7 + 0.4).sin();
  const auto gradients = torch::autograd::grad({outputs}, network.module.ptr()->parameters(),
                                               {weights.view_as(outputs)}, false, false, /*allow_unused=*/true);
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& gradient : gradients) {
    if (gradient.defined()) rows.push_back(gradient.reshape({runs, -1}));
  }
  return torch::cat(rows, 1);
}

}  // namespace

std::vector<std::vector<double>> measure_radii(Network& network, const torch::Tensor& inputs) {
  const Points points = solvers::fixed_points(*network.module.ptr());
  if (points.empty()) return {};
  const Measuring measuring(*network.module.ptr(), points, Mode::radius);
  const torch::NoGradGuard no_grad;
  network.forward(inputs);
  std::vector<std::vector<double>> radii;
  for (const auto& point : points) radii.push_back(point->take_radii());
  return radii;
}

std::optional<GradientCosines> measure_cosines(Network& network, const torch::Tensor& inputs, int64_t runs) {
  const Points points = solvers::fixed_points(*network.module.ptr());
  if (points.empty()) return std::nullopt;
  const Measuring measuring(*network.module.ptr(), points, Mode::gradient);
  const torch::AutoGradMode with_gradients(true);
  const auto rows = [&](const solvers::GradientSpec& gradient) {
    std::vector<solvers::GradientSpec> before;
    for (const auto& point : points) {
      before.push_back(solvers::common(point->spec()).gradient);
      point->set_gradient(gradient);
    }
    const torch::Tensor found = gradient_rows(network, inputs, runs);
    for (size_t i = 0; i < points.size(); ++i) points[i]->set_gradient(before[i]);
    return found;
  };
  const torch::Tensor exact = rows(solvers::ExactGradient{});
  const auto cosines = [&](const solvers::GradientSpec& cheap) {
    const torch::Tensor cosine = torch::cosine_similarity(exact, rows(cheap), 1).to(torch::kCPU, torch::kFloat64);
    return std::vector<double>(cosine.data_ptr<double>(), cosine.data_ptr<double>() + runs);
  };
  return GradientCosines{cosines(solvers::PhantomGradient{}), cosines(solvers::JacobianFreeGradient{})};
}

}  // namespace optdnn::baselines
