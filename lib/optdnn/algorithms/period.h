// A rule whose numbers repeat: from some step on every length-th step has the same ones, as all do of a constant rule,
// and as they do where a list holds its last value or begins again. The steps of a period together are one step of a
// rule that is the same at every step: with P_i = A_{i-1} ... A_0 of the period's steps,
//
//   A' = P_length,    B'_i = A_{length-1} ... A_{i+1} B_i,    C'_i = C_i P_i
#pragma once

#include <optional>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

struct Period {
  int begin = 0, length = 1;
  NumericTableau step;        // of its steps together; without D
  std::vector<int> families;  // of its calls
  Eigen::VectorXd start;      // what the states are before it
  Eigen::MatrixXd outputs;    // a row for each of its steps: the output, read from the states before the period
};

// Looks at the first `steps`. A period takes at most a fourth of them and begins in the first half. Nothing if there is
// none, if the state grows, or if a number is not finite.
std::optional<Period> find_period(const Rule& rule, int steps, const LeafValues& values);

}  // namespace optdnn::algorithms
