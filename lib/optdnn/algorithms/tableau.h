// The tableau of one step: with s the stacked state and u the results of the step's module calls,
//
//   y = C s + D u,    u_i = T_i(y_i),    s+ = A s + B u
//
// Source: Lessard, Recht, Packard 2016 (oracle form); Butcher's general linear methods. The network runs it, the
// certificate reads it.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <string>
#include <vector>

#include "optdnn/algorithms/scalar.h"

namespace optdnn::algorithms {

struct Term {
  int column = 0;
  Scalar value;
};
using Row = std::vector<Term>;  // ascending columns, no zero entries

struct Matrix {
  int columns = 0;
  std::vector<Row> rows;
};

struct Call {
  int family = 0;        // place in Rule::families()
  int fresh = -1;        // the j of T[k,j]; -1: the step's own T_k
  std::string argument;  // as written: "x[k]"
};

struct Tableau {
  std::vector<std::string> states, next_states;  // "x[k]", "x[k-1]", "T(x[k-1])"; "x[k+1]", ...
  std::vector<Call> calls;                       // D is strictly lower triangular when the step is explicit
  Matrix A, B, C, D;  // A: next_states x states, B: next_states x calls, C: calls x states, D: calls x calls
};

struct NumericTableau {
  Eigen::MatrixXd A, B, C, D;
};

using LeafValues = std::function<double(const Leaf&)>;

Eigen::VectorXd evaluate(const Row& row, int columns, const LeafValues& values);
Eigen::MatrixXd evaluate(const Matrix& matrix, const LeafValues& values);
NumericTableau evaluate(const Tableau& tableau, const LeafValues& values);

void collect_leaves(const Tableau& tableau, std::set<Leaf>& leaves);

}  // namespace optdnn::algorithms
