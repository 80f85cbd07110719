#include "optdnn/algorithms/convergence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "optdnn/algorithms/leaf_table.h"
#include "optdnn/algorithms/numbers.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

namespace {

constexpr int kMaxSweeps = 500;           // of the fixed-point iteration
constexpr double kFlowStep = 1.0 / 4096;  // of the reference
constexpr double kRounding = 1e-12;       // an error below it says nothing about the order
constexpr double kMeasuredStepSettled =
    0.1;                                 // of the measured step, from a quarter and from half the depth to the whole
constexpr double kLargestStep = 1000.0;  // beyond it the reference would take minutes

using Points = std::vector<Point>;
const Point kNowhere = Point::Constant(std::numeric_limits<double>::quiet_NaN());

Point combine(const Row& row, const Points& points, const LeafValues& values) {
  Point sum = Point::Zero();
  for (const Term& term : row) sum += term.value.evaluate<double>(values) * points[term.column];
  return sum;
}

// u_i = T_i((C s + D u)_i), call after call: one sweep where D is strictly lower triangular, else until nothing
// changes.
bool solve_calls(const Tableau& step, bool is_explicit, const Points& states, const FamilyFields& modules,
                 const LeafValues& values, Points& results) {
  results.assign(step.calls.size(), Point::Zero());
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    double change = 0.0, size = 1.0;
    for (size_t i = 0; i < step.calls.size(); ++i) {
      const Point argument = combine(step.C.rows[i], states, values) + combine(step.D.rows[i], results, values);
      const Point result = modules(step.calls[i].family, argument);
      change = std::max(change, (result - results[i]).norm());
      size = std::max(size, result.norm());
      results[i] = result;
    }
    if (!is_explicit && !std::isfinite(change)) return false;
    if (is_explicit || change <= 4 * std::numeric_limits<double>::epsilon() * size) return true;
  }
  return false;
}

// What module f alone, a constant, moves the output by: the mean effect of its results.
EffectiveStep mean_steps(const Rule& rule, int depth, const LeafValues& values) {
  EffectiveStep steps;
  for (size_t f = 0; f < rule.families().size(); ++f) {
    const FamilyFields constant = [&](int family, const Point&) {
      return Point(family == static_cast<int>(f) ? 1.0 / depth : 0.0, 0.0);
    };
    steps[rule.families()[f]] = run_rule(rule, depth, Point::Zero(), constant, values).x();
  }
  return steps;
}

std::optional<EffectiveStep> settled_steps(const Rule& rule, int depth, const LeafValues& values) {
  const EffectiveStep whole = mean_steps(rule, depth, values);
  for (const int part : {4, 2}) {
    const EffectiveStep before = mean_steps(rule, std::max(1, depth / part), values);
    for (const auto& [family, step] : whole) {
      const double change = std::abs(step - before.at(family));
      if (!std::isfinite(step) || !(change <= kMeasuredStepSettled * std::abs(step))) return std::nullopt;
    }
  }
  return whole;
}

// Least squares in log K over the deeper half of the errors that are more than rounding.
std::optional<double> fitted_order(const std::map<int, double>& errors) {
  std::vector<std::pair<double, double>> points;
  for (const auto& [depth, error] : errors) {
    if (!std::isfinite(error)) return std::nullopt;
    if (error > kRounding) points.emplace_back(std::log(depth), std::log(error));
  }
  if (points.size() < 2) return std::nullopt;
  points.erase(points.begin(), points.end() - std::max<std::ptrdiff_t>(2, (std::ssize(points) + 1) / 2));
  double x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
  const auto n = static_cast<double>(points.size());
  for (const auto& [log_depth, log_error] : points) {
    x += log_depth / n;
    y += log_error / n;
    xx += log_depth * log_depth / n;
    xy += log_depth * log_error / n;
  }
  return (x * y - xy) / (xx - x * x);
}

}  // namespace

Point run_rule(const Rule& rule, int depth, const Point& start, const FamilyFields& modules, const LeafValues& values) {
  Tableau step = rule.step(0);
  Points states(step.states.size(), Point::Zero()), results, next;
  for (const Term& term : rule.start()) states[term.column] = term.value.evaluate<double>(values) * start;
  for (int k = 0; k < depth; ++k) {
    if (k > 0 && !rule.is_constant()) step = rule.step(k);
    if (!solve_calls(step, rule.is_explicit(), states, modules, values, results)) return kNowhere;
    next.clear();
    for (size_t i = 0; i < step.A.rows.size(); ++i)
      next.push_back(combine(step.A.rows[i], states, values) + combine(step.B.rows[i], results, values));
    states.swap(next);
  }
  return combine(rule.output(depth), states, values);
}

PointColumns flow(const std::function<PointColumns(const PointColumns&)>& field, const PointColumns& start,
                  double time) {
  const int count = std::max(1, static_cast<int>(std::ceil(time / kFlowStep)));
  const double h = time / count;
  PointColumns s = start;
  for (int i = 0; i < count; ++i) {
    const PointColumns a = field(s), b = field(s + h / 2 * a), c = field(s + h / 2 * b), d = field(s + h * c);
    s += h / 6 * (a + 2 * b + 2 * c + d);
  }
  return s;
}

namespace {

// The flow at time 1 of the sum of the fields, each at its step.
Point exact_flow(const std::vector<VectorField>& fields, const std::vector<double>& steps, const Point& start) {
  double fastest = 1.0;
  for (const double step : steps) fastest = std::max(fastest, std::abs(step));
  const auto at_speed_one = [&](const PointColumns& s) {
    PointColumns sum = PointColumns::Zero(2, 1);
    for (size_t f = 0; f < fields.size(); ++f) sum += steps[f] / fastest * evaluate(fields[f], s.col(0));
    return sum;
  };
  return flow(at_speed_one, start, fastest);
}

// The output of a coupled flow at time 1.
Point exact_flow(const CoupledFlow& coupled, const std::vector<VectorField>& fields, const Point& start) {
  const double fastest = std::max(1.0, coupled.weights.cwiseAbs().maxCoeff());
  const auto at_speed_one = [&](const PointColumns& s) {
    PointColumns results = s * coupled.arguments.transpose();
    for (size_t i = 0; i < coupled.families.size(); ++i) {
      auto call = results.col(static_cast<Eigen::Index>(i));
      call = evaluate(fields[coupled.families[i]], call);
    }
    return PointColumns(results * coupled.weights.transpose() / fastest);
  };
  return flow(at_speed_one, start * coupled.start.transpose(), fastest) * coupled.output;
}

void require_small(double step, std::string_view what) {
  if (std::abs(step) <= kLargestStep) return;
  throw base::ConfigError(base::concat("the effective step of ", what, " is ", short_number(step),
                                       ", too large for a flow to compare with"),
                          base::concat("coefficients that keep it below ", short_number(kLargestStep)));
}

std::vector<double> steps_by_family(const Rule& rule, const std::optional<EffectiveStep>& effective_step) {
  std::vector<double> steps;
  for (const std::string& family : rule.families()) {
    steps.push_back(effective_step ? effective_step->at(family) : 1.0);
    require_small(steps.back(), base::concat("family '", family, "'"));
  }
  return steps;
}

}  // namespace

Convergence measure_convergence(const Rule& rule, const std::vector<VectorField>& fields, const Point& start,
                                const std::vector<int>& depths) {
  if (std::all_of(fields.begin(), fields.end(),
                  [&](VectorField field) { return evaluate(field, start).norm() < kRounding; })) {
    throw base::ConfigError("nothing moves the input: it is a point of rest of every vector field",
                            "another input, as in [1, 0.5]");
  }
  const LeafTable table = initial_values(rule, depths.back());
  const LeafValues values = [&](const Leaf& leaf) { return table.at(leaf); };
  Convergence result;
  result.certificate = certify(rule, depths.front(), 0, values);
  result.promised = result.certificate.convergent || result.certificate.coupled;
  bool moves = true;
  Point exact;
  if (const auto& coupled = result.certificate.coupled) {
    require_small(coupled->weights.cwiseAbs().maxCoeff(), "a coupled module");
    exact = exact_flow(*coupled, fields, start);
  } else {
    result.effective_step = result.certificate.effective_step;
    if (!result.effective_step) result.effective_step = settled_steps(rule, depths.back(), values);
    const std::vector<double> steps = steps_by_family(rule, result.effective_step);
    moves = result.effective_step && std::any_of(steps.begin(), steps.end(), [](double step) { return step != 0.0; });
    exact = exact_flow(fields, steps, start);
  }
  for (const int depth : depths) {
    const FamilyFields modules = [&](int family, const Point& s) { return Point(evaluate(fields[family], s) / depth); };
    result.errors[depth] = (run_rule(rule, depth, start, modules, values) - exact).norm();
  }
  result.order = fitted_order(result.errors);
  result.converges = moves && result.order.value_or(0.0) >= kFirstOrder;
  return result;
}

}  // namespace optdnn::algorithms
