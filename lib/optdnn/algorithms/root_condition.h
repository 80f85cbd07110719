// The certificate of a tableau that is the same at every step: eigenvalues and eigenvectors of A.
#pragma once

#include <complex>

#include "optdnn/algorithms/tableau.h"

namespace optdnn::algorithms {

inline constexpr double kOnCircle = 1e-6;  // distance from the unit circle that counts as on it
inline constexpr double kExact = 1e-8;     // residual of an equation that counts as solved

struct RootCondition {
  std::vector<std::complex<double>> eigenvalues;  // largest first
  double spectral_radius = 0.0;
  int defective_multiplicity = 0;  // of an eigenvalue on the circle that is not semi-simple
  int multiplicity_of_one = 0;
  bool preconsistent = false;  // A q = q, C q = 1
  bool zero_stable = false;
  Eigen::VectorXd q;
  Eigen::VectorXd steps;      // w B, one per call; empty unless preconsistent and zero-stable
  bool reads = false;         // c q = 1
  bool started = false;       // start - q decays
  bool starts_at_one = true;  // start has no part along the roots on the circle other than 1
};

RootCondition judge_roots(const NumericTableau& tableau, const Eigen::VectorXd& start, const Eigen::VectorXd& output);

// A basis of the v with A v = v, by columns. Requires that the eigenvalue 1 is semisimple.
Eigen::MatrixXd eigenvectors_of_one(const Eigen::MatrixXd& A);

// The largest absolute eigenvalue of |D|.
double cycle_gain(const Eigen::MatrixXd& D);

}  // namespace optdnn::algorithms
