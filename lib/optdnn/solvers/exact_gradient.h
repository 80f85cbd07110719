// Implicit differentiation. With u = F(u, w), what arrives at u from above, g, leaves towards w as v dF/dw where
// v = J^T v + g; that linear system is solved by the same solvers.
#pragma once

#include <memory>

#include "optdnn/solvers/solve.h"
#include "optdnn/solvers/solve_tally.h"

namespace optdnn::solvers {

// The solver of the backward pass: that of the forward pass, with its own steps and tolerance where they are given.
SolverSpec adjoint_spec(const SolverSpec& spec, const ExactGradient& gradient);

// f = F(u) as a value whose gradient is that of the fixed point. Requires that u is a leaf which requires a gradient.
// Backward solves that fail are added to `tally`, if there is one. Errors, in the backward pass: ConfigError if a
// second derivative is asked for.
torch::Tensor with_exact_gradient(const torch::Tensor& f, const torch::Tensor& u, SolverSpec adjoint,
                                  std::shared_ptr<SolveTally> tally, int64_t runs);

}  // namespace optdnn::solvers
