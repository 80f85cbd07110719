// Implicit differentiation. With u = F(u, w), what arrives at u from above, g, leaves towards w as v dF/dw where
// v = J^T v + g; that linear system is solved by the solvers of the way forward.
#pragma once

#include <memory>

#include "optdnn/solvers/solve.h"
#include "optdnn/solvers/tally.h"

namespace optdnn::solvers {

// The solver of the way back: that of the way forward with its own steps and tolerance where they are given.
SolverSpec adjoint_spec(const SolverSpec& spec, const ExactGradient& gradient);

// f = F(u) as a value whose gradient is that of the fixed point. Requires that u is a leaf which requires a gradient.
// What does not converge on the way back is added to `tally`, if there is one. Errors (on the way back): ConfigError if
// a second derivative is asked for.
torch::Tensor with_exact_gradient(const torch::Tensor& f, const torch::Tensor& u, SolverSpec adjoint,
                                  std::shared_ptr<Tally> tally, int64_t runs);

}  // namespace optdnn::solvers
