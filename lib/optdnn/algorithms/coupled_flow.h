// The limit of a rule whose root 1 is semisimple but not simple, as of leapfrog or of Chambolle and Pock's method: m
// states that modules alone couple. With A Q = Q, W A = W, W Q = I,
//
//   s' = sum_i (W B)_i f_i((C Q)_i s),    s in R^m times the state's own space
//
// The columns of Q are named after states: each has 1 in its own row and 0 in those of the others.
// Choice: the paper's theorem is about a simple root; this verdict stands beside it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

struct CoupledFlow {
  std::vector<std::string> states;  // "p", "x"
  Eigen::MatrixXd weights;          // W B: states x calls
  Eigen::MatrixXd arguments;        // C Q: calls x states, no row zero
  Eigen::VectorXd start, output;    // W start and c Q
  std::vector<int> families;        // of the calls
};

// "p' = T(x)", one per state.
std::vector<std::string> equations(const CoupledFlow& flow, const Rule& rule);

// The flow of a tableau that is the same at every step, whose spectral radius is 1 and whose roots on the circle are
// semisimple. Nothing where a module is asked at a point that decays, where no module moves a state or where the output
// reads none.
std::optional<CoupledFlow> coupled_flow(const Rule& rule, const NumericTableau& tableau, const Eigen::VectorXd& start,
                                        const Eigen::VectorXd& output);

}  // namespace optdnn::algorithms
