#include "optdnn/algorithms/root_condition.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace optdnn::algorithms {

namespace {

using Complex = std::complex<double>;

constexpr double kRank = 1e-6;             // singular values below it, relative to the largest, count as zero
constexpr double kSmallestRadius = 1e-12;  // in which roots are looked for that are the same
constexpr double kSameRoot = 1e-4;         // rounding splits a double root by about 1e-8, a triple one by 1e-5

std::vector<Complex> eigenvalues_of(const Eigen::MatrixXd& A) {
  std::vector<Complex> roots;
  if (A.rows() == 0) return roots;
  const Eigen::VectorXcd found = A.eigenvalues();
  for (Complex root : found) {
    // Rounding must not show: a part that small is none.
    if (std::abs(root.real()) < 1e-12) root.real(0.0);
    if (std::abs(root.imag()) < 1e-12) root.imag(0.0);
    roots.push_back(root);
  }
  const auto key = [](Complex root) { return std::tuple(std::round(std::abs(root) * 1e9), root.real(), root.imag()); };
  std::sort(roots.begin(), roots.end(), [&](Complex a, Complex b) { return key(a) > key(b); });
  return roots;
}

// An orthonormal basis of the v with M v = 0, by columns.
template <class Matrix>
Matrix null_space(const Matrix& M) {
  const Eigen::JacobiSVD<Matrix> svd(M, Eigen::ComputeFullV);
  const auto& sizes = svd.singularValues();
  Eigen::Index rank = 0;
  while (rank < sizes.size() && sizes(rank) > kRank * std::max(1.0, sizes(0))) ++rank;
  return svd.matrixV().rightCols(M.cols() - rank);
}

// Columns w with w^H A = root w^H.
Eigen::MatrixXcd left_eigenvectors(const Eigen::MatrixXd& A, Complex root) {
  Eigen::MatrixXcd shifted = A.transpose().cast<Complex>();
  shifted.diagonal().array() -= std::conj(root);
  return null_space(shifted);
}

// Roots that rounding has split, as one.
struct Cluster {
  Complex root;
  int multiplicity;
  double radius;          // of what counts as this root
  Eigen::MatrixXcd left;  // eigenvectors, by columns
};

// Takes the first root and those that are the same out of `roots`. The mean of different ones is no root.
Cluster take_cluster(std::vector<Complex>& roots, const Eigen::MatrixXd& A) {
  for (double radius = kSameRoot;; radius /= 10.0) {
    const auto others = std::stable_partition(roots.begin(), roots.end(),
                                              [&](Complex root) { return std::abs(root - roots.front()) <= radius; });
    const auto multiplicity = static_cast<int>(others - roots.begin());
    const Complex mean = std::accumulate(roots.begin(), others, Complex(0.0)) / static_cast<double>(multiplicity);
    Eigen::MatrixXcd left = left_eigenvectors(A, mean);
    if (left.cols() == 0 && multiplicity > 1 && radius > kSmallestRadius) continue;
    roots.erase(roots.begin(), others);
    return {mean, multiplicity, radius, std::move(left)};
  }
}

}  // namespace

Eigen::MatrixXd eigenvectors_of_one(const Eigen::MatrixXd& A) {
  return null_space(Eigen::MatrixXd(A - Eigen::MatrixXd::Identity(A.rows(), A.rows())));
}

double cycle_gain(const Eigen::MatrixXd& D) {
  const auto roots = eigenvalues_of(D.cwiseAbs());
  return roots.empty() ? 0.0 : std::abs(roots.front());
}

RootCondition judge_roots(const NumericTableau& tableau, const Eigen::VectorXd& start, const Eigen::VectorXd& output) {
  const Eigen::MatrixXd& A = tableau.A;
  const Eigen::Index n = A.rows(), calls = tableau.C.rows();
  RootCondition result;
  result.eigenvalues = eigenvalues_of(A);
  result.spectral_radius = std::abs(result.eigenvalues.front());

  Eigen::MatrixXd system(n + calls, n);
  system << A - Eigen::MatrixXd::Identity(n, n), tableau.C;
  Eigen::VectorXd wanted = Eigen::VectorXd::Zero(n + calls);
  wanted.tail(calls).setOnes();
  result.q = system.completeOrthogonalDecomposition().solve(wanted);
  result.preconsistent = calls > 0 && (system * result.q - wanted).cwiseAbs().maxCoeff() < kExact;
  result.reads = std::abs(output.dot(result.q) - 1.0) < kExact;

  // Each root on the circle once, with its multiplicity and its left eigenvectors.
  std::vector<Complex> circle;
  for (const Complex root : result.eigenvalues) {
    if (std::abs(std::abs(root) - 1.0) <= kOnCircle) circle.push_back(root);
  }
  result.zero_stable = result.spectral_radius <= 1.0 + kOnCircle;
  result.started = true;
  Eigen::VectorXd w;
  while (!circle.empty()) {
    const auto [root, multiplicity, radius, left] = take_cluster(circle, A);
    const bool is_one = std::abs(root - 1.0) <= radius;
    if (is_one) result.multiplicity_of_one = multiplicity;
    if (left.cols() != multiplicity) result.defective_multiplicity = multiplicity;
    if (left.cols() != multiplicity || (is_one && multiplicity > 1)) result.zero_stable = false;
    const auto holds_part_of = [&left = left](const Eigen::VectorXd& v) {
      return left.cols() > 0 && (left.adjoint() * v.cast<Complex>()).cwiseAbs().maxCoeff() >= kExact;
    };
    if (holds_part_of(start - result.q)) result.started = false;
    if (!is_one && holds_part_of(start)) result.starts_at_one = false;
    if (is_one && left.cols() == 1) {
      Eigen::Index largest = 0;
      left.col(0).cwiseAbs().maxCoeff(&largest);
      w = (left.col(0) / left(largest, 0)).real();
    }
  }
  if (result.preconsistent && result.zero_stable && w.size() == n && std::abs(w.dot(result.q)) > kExact) {
    result.steps = tableau.B.transpose() * w / w.dot(result.q);
  }
  return result;
}

}  // namespace optdnn::algorithms
