#include "optdnn/algorithms/coupled_flow.h"

#include <Eigen/LU>
#include <cmath>

#include "optdnn/algorithms/numbers.h"
#include "optdnn/algorithms/root_condition.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

namespace {

// The states that name the columns of Q: their rows are independent. Present states before earlier ones, "x[k]" before
// "x[k-1]".
std::vector<Eigen::Index> naming_states(const std::vector<std::string>& states, const Eigen::MatrixXd& Q) {
  std::vector<Eigen::Index> chosen;
  Eigen::MatrixXd rows(0, Q.cols());
  for (const bool present : {true, false}) {
    for (size_t i = 0; i < states.size() && rows.rows() < Q.cols(); ++i) {
      if (states[i].ends_with("[k]") != present) continue;
      Eigen::MatrixXd more(rows.rows() + 1, Q.cols());
      more << rows, Q.row(static_cast<Eigen::Index>(i));
      Eigen::FullPivLU<Eigen::MatrixXd> rank(more);
      rank.setThreshold(kExact);
      if (rank.rank() < more.rows()) continue;
      rows = more;
      chosen.push_back(static_cast<Eigen::Index>(i));
    }
  }
  return chosen;
}

std::string row_text(const Eigen::RowVectorXd& weights, const std::vector<std::string>& names) {
  return combination_text({weights.begin(), weights.end()}, names);
}

}  // namespace

std::vector<std::string> equations(const CoupledFlow& flow, const Rule& rule) {
  std::vector<std::string> calls, lines;
  for (size_t i = 0; i < flow.families.size(); ++i) {
    const std::string argument = row_text(flow.arguments.row(static_cast<Eigen::Index>(i)), flow.states);
    calls.push_back(base::concat(rule.families()[flow.families[i]], "(", argument, ")"));
  }
  for (size_t j = 0; j < flow.states.size(); ++j)
    lines.push_back(
        base::concat(flow.states[j], "' = ", row_text(flow.weights.row(static_cast<Eigen::Index>(j)), calls)));
  return lines;
}

std::optional<CoupledFlow> coupled_flow(const Rule& rule, const NumericTableau& tableau, const Eigen::VectorXd& start,
                                        const Eigen::VectorXd& output) {
  const Tableau step = rule.step(0);
  Eigen::MatrixXd Q = eigenvectors_of_one(tableau.A);
  const auto named = naming_states(step.states, Q);
  if (static_cast<Eigen::Index>(named.size()) < Q.cols()) return std::nullopt;
  Q *= Eigen::MatrixXd(Q(named, Eigen::all)).inverse();
  Eigen::MatrixXd W = eigenvectors_of_one(tableau.A.transpose()).transpose();
  W = Eigen::MatrixXd(W * Q).inverse() * W;

  CoupledFlow flow;
  for (const Eigen::Index i : named) {
    const std::string& state = step.states[static_cast<size_t>(i)];
    flow.states.push_back(state.ends_with("[k]") ? state.substr(0, state.size() - 3) : state);
  }
  flow.weights = W * tableau.B;
  flow.arguments = tableau.C * Q;
  flow.start = W * start;
  flow.output = Q.transpose() * output;
  for (const Call& call : step.calls) flow.families.push_back(call.family);

  for (Eigen::Index i = 0; i < flow.arguments.rows(); ++i) {
    if (flow.arguments.row(i).cwiseAbs().maxCoeff() <= kExact) return std::nullopt;
  }
  const bool moves = flow.weights.size() > 0 && flow.weights.cwiseAbs().maxCoeff() > kExact;
  if (!moves || flow.output.cwiseAbs().maxCoeff() <= kExact) return std::nullopt;
  return flow;
}

}  // namespace optdnn::algorithms
