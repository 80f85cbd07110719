#include "optdnn/algorithms/tableau.h"

namespace optdnn::algorithms {

namespace {

double number(const Scalar& value, const LeafValues& values) { return value.evaluate<double>(values); }

}  // namespace

Eigen::VectorXd evaluate(const Row& row, int columns, const LeafValues& values) {
  Eigen::VectorXd dense = Eigen::VectorXd::Zero(columns);
  for (const Term& term : row) dense(term.column) = number(term.value, values);
  return dense;
}

Eigen::MatrixXd evaluate(const Matrix& matrix, const LeafValues& values) {
  Eigen::MatrixXd dense(static_cast<Eigen::Index>(matrix.rows.size()), matrix.columns);
  for (size_t i = 0; i < matrix.rows.size(); ++i) {
    dense.row(static_cast<Eigen::Index>(i)) = evaluate(matrix.rows[i], matrix.columns, values).transpose();
  }
  return dense;
}

NumericTableau evaluate(const Tableau& tableau, const LeafValues& values) {
  return {evaluate(tableau.A, values), evaluate(tableau.B, values), evaluate(tableau.C, values),
          evaluate(tableau.D, values)};
}

void collect_leaves(const Tableau& tableau, std::set<Leaf>& leaves) {
  for (const Matrix* matrix : {&tableau.A, &tableau.B, &tableau.C, &tableau.D}) {
    for (const Row& row : matrix->rows) {
      for (const Term& term : row) term.value.collect_leaves(leaves);
    }
  }
}

}  // namespace optdnn::algorithms
