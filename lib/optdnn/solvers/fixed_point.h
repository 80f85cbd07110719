// The solution u = F(u) as a part of a network: found without recording the steps, so that memory does not grow with
// their number, and differentiated as the spec says. The output is F(u), one evaluation after the solve.
//
//   exact          dL/dF-inputs = v dF,  v = J^T v + g,  J = dF/du at the solution
//   phantom        the last P steps u <- d u + (1 - d) F(u), begun at the solution, are differentiated
//   jacobian_free  F(u) with u held fixed is differentiated
//   unrolled       the solve itself is differentiated
#pragma once

#include "optdnn/solvers/solve.h"
#include "optdnn/solvers/solve_tally.h"

namespace optdnn::solvers {

class FixedPointImpl : public torch::nn::Module {
 public:
  explicit FixedPointImpl(SolverSpec spec);

  // Shapes: S x N -> S x N. `solution_SN` receives u without gradient, to start the next solve from. Samples of several
  // runs follow each other.
  torch::Tensor solve(const Map& F, const torch::Tensor& start_SN, torch::Tensor* solution_SN = nullptr,
                      int64_t runs = 1);

  const SolverSpec& spec() const { return spec_; }
  // Whether a solve or its adjoint looks at residuals, for which the host waits: with tolerance 0 none does.
  bool looks() const;
  void set_gradient(const GradientSpec& gradient) { common(spec_).gradient = gradient; }
  SolveTally& tally() { return *tally_; }

  // The regulariser of the solves since it was last taken, once per training pass, the sum over runs; not defined if
  // there is none.
  torch::Tensor take_penalty();

  // What passes are made for. `cost`: every solve takes all its steps. `radius`: every solve measures the spectral
  // radius of its J. `gradient`: gradients are compared. Only the normal ones are tallied and regularised.
  enum class Mode { normal, cost, radius, gradient };
  void set_mode(Mode mode) { mode_ = mode; }
  // The largest over solves and samples since they were last taken, by run; empty if there was no solve.
  std::vector<double> take_radii();

 private:
  torch::Tensor solve_wide(const Map& F, const torch::Tensor& start_SN, torch::Tensor* solution_SN, int64_t runs);
  torch::Tensor attach(const Map& F, const torch::Tensor& u, int64_t runs);

  SolverSpec spec_;
  std::shared_ptr<SolveTally> tally_;
  Mode mode_ = Mode::normal;
  torch::Tensor penalty_, radii_;
};
TORCH_MODULE(FixedPoint);

// Every fixed point inside a network.
std::vector<std::shared_ptr<FixedPointImpl>> fixed_points(const torch::nn::Module& network);

// Their penalties together; not defined if there is none.
torch::Tensor take_penalties(const std::vector<std::shared_ptr<FixedPointImpl>>& points);

}  // namespace optdnn::solvers
