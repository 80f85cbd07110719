#include "algorithms/network.h"

#include <cmath>
#include <limits>

namespace optdnn::algorithms {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Unrolled keep(const Unrolled& all, const std::vector<int>& kept) {
  Unrolled result;
  std::vector<int> rows = kept, columns{0};
  rows.push_back(static_cast<int>(all.calls.size()));
  for (const int call : kept) {
    columns.push_back(call + 1);
    result.calls.push_back(all.calls[call]);
  }
  result.weights.resize(static_cast<int>(rows.size()), static_cast<int>(columns.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < columns.size(); ++j)
      result.weights(static_cast<int>(i), static_cast<int>(j)) = all.weights(rows[i], columns[j]);
  }
  return result;
}

}  // namespace

Unrolled unroll(const Rule& rule, int depth) {
  const LeafValues values = [&](const Leaf& leaf) { return rule.initial_value(leaf); };
  Unrolled all;
  std::vector<NumericTableau> steps;
  for (int k = 0; k < depth; ++k) {
    const Tableau tableau = rule.step(k);
    for (const Call& call : tableau.calls) all.calls.push_back({k, call.family, call.fresh});
    steps.push_back(evaluate(tableau, values));
  }
  const int columns = 1 + static_cast<int>(all.calls.size());
  all.weights = Eigen::MatrixXd::Zero(columns, columns);
  Eigen::MatrixXd state = Eigen::MatrixXd::Zero(steps[0].A.cols(), columns);
  state.col(0) = evaluate(rule.start(), static_cast<int>(steps[0].A.cols()), values);
  int first = 0;
  for (const NumericTableau& t : steps) {
    const int calls = static_cast<int>(t.C.rows());
    Eigen::MatrixXd results = Eigen::MatrixXd::Zero(calls, columns);
    results.block(0, 1 + first, calls, calls).setIdentity();
    all.weights.middleRows(first, calls) = t.C * state + t.D * results;
    state = (t.A * state + t.B * results).eval();
    first += calls;
  }
  all.weights.row(first) = evaluate(rule.output(depth), static_cast<int>(state.rows()), values).transpose() * state;

  std::vector<bool> live(all.calls.size(), false);
  std::vector<int> open{first};
  while (!open.empty()) {
    const int row = open.back();
    open.pop_back();
    for (size_t call = 0; call < live.size(); ++call) {
      if (live[call] || all.weights(row, static_cast<int>(call) + 1) == 0.0) continue;
      live[call] = true;
      open.push_back(static_cast<int>(call));
    }
  }
  std::vector<int> kept;
  for (size_t call = 0; call < live.size(); ++call) {
    if (live[call]) kept.push_back(static_cast<int>(call));
  }
  return keep(all, kept);
}

double difference(const Unrolled& a, const Unrolled& b) {
  if (a.calls.size() != b.calls.size()) return kInfinity;
  std::map<int, int> families;  // a module's letter means nothing
  for (size_t i = 0; i < a.calls.size(); ++i) {
    const int family = families.try_emplace(a.calls[i].family, b.calls[i].family).first->second;
    if (a.calls[i].step != b.calls[i].step || a.calls[i].fresh != b.calls[i].fresh || family != b.calls[i].family)
      return kInfinity;
  }
  double largest = (a.weights.col(0) - b.weights.col(0)).cwiseAbs().maxCoeff();
  for (Eigen::Index j = 1; j < a.weights.cols(); ++j) {
    Eigen::Index at = 0;
    b.weights.col(j).cwiseAbs().maxCoeff(&at);
    const double scale = a.weights(at, j) / b.weights(at, j);
    if (scale == 0.0) return kInfinity;
    largest = std::max(largest, (a.weights.col(j) / scale - b.weights.col(j)).cwiseAbs().maxCoeff());
  }
  return largest;
}

}  // namespace optdnn::algorithms
