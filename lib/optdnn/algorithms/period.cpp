#include "optdnn/algorithms/period.h"

#include <map>

namespace optdnn::algorithms {

namespace {

using Eigen::MatrixXd;

// All numbers of a step, and whose calls they are.
std::vector<double> key_of(const NumericTableau& numbers, const Tableau& tableau) {
  std::vector<double> key;
  for (const MatrixXd* matrix : {&numbers.A, &numbers.B, &numbers.C, &numbers.D}) {
    key.push_back(static_cast<double>(matrix->rows()));
    key.insert(key.end(), matrix->data(), matrix->data() + matrix->size());
  }
  for (const Call& call : tableau.calls) key.push_back(call.family);
  return key;
}

bool is_finite(const NumericTableau& numbers) {
  return numbers.A.allFinite() && numbers.B.allFinite() && numbers.C.allFinite() && numbers.D.allFinite();
}

// Equal numbers for equal steps; empty for a rule whose state grows or whose numbers are not finite.
std::vector<int> kinds_of_steps(const Rule& rule, int steps, const LeafValues& values) {
  std::map<std::vector<double>, int> known;
  std::vector<int> kinds;
  for (int k = 0; k < steps; ++k) {
    const Tableau tableau = rule.step(k);
    const NumericTableau numbers = evaluate(tableau, values);
    if (numbers.A.rows() != numbers.A.cols() || !is_finite(numbers)) return {};
    kinds.push_back(known.try_emplace(key_of(numbers, tableau), static_cast<int>(known.size())).first->second);
  }
  return kinds;
}

}  // namespace

std::optional<Period> find_period(const Rule& rule, int steps, const LeafValues& values) {
  Period period;
  if (!rule.is_constant()) {
    const std::vector<int> kinds = kinds_of_steps(rule, steps, values);
    const auto count = static_cast<int>(kinds.size());
    bool found = false;
    for (int length = 1; length <= count / 4 && !found; ++length) {
      int begin = count - length;
      while (begin > 0 && kinds[begin - 1] == kinds[begin - 1 + length]) --begin;
      found = begin <= count / 2;
      if (found) period.begin = begin, period.length = length;
    }
    if (!found) return std::nullopt;
  }

  period.start = evaluate(rule.start(), rule.step(0).A.columns, values);
  for (int k = 0; k < period.begin; ++k) period.start = evaluate(rule.step(k).A, values) * period.start;
  const Eigen::Index n = period.start.size();
  MatrixXd carried = MatrixXd::Identity(n, n);
  std::vector<MatrixXd> B, C;
  period.outputs.resize(period.length, n);
  for (int i = 0; i < period.length; ++i) {
    const int k = period.begin + i;
    const Tableau tableau = rule.step(k);
    const NumericTableau numbers = evaluate(tableau, values);
    period.outputs.row(i) = evaluate(rule.output(k), static_cast<int>(n), values).transpose() * carried;
    for (MatrixXd& before : B) before = numbers.A * before;
    B.push_back(numbers.B);
    C.push_back(numbers.C * carried);
    carried = numbers.A * carried;
    for (const Call& call : tableau.calls) period.families.push_back(call.family);
  }
  const auto calls = static_cast<Eigen::Index>(period.families.size());
  period.step = {carried, MatrixXd(n, calls), MatrixXd(calls, n), MatrixXd()};
  Eigen::Index call = 0;
  for (int i = 0; i < period.length; ++i) {
    period.step.B.middleCols(call, B[i].cols()) = B[i];
    period.step.C.middleRows(call, C[i].rows()) = C[i];
    call += B[i].cols();
  }
  const bool finite = is_finite(period.step) && period.start.allFinite() && period.outputs.allFinite();
  return finite ? std::optional(std::move(period)) : std::nullopt;
}

}  // namespace optdnn::algorithms
