// The spectral radius of J = dF/du, by power iteration with products v^T J.
#pragma once

#include "optdnn/solvers/solve.h"

namespace optdnn::solvers {

// Shapes: S, one estimate per sample: the geometric mean growth over the last half of the iterations, which a pair of
// complex eigenvalues does not upset. The first vector is the same at every call, so nothing random is drawn.
torch::Tensor spectral_radius(const Map& F, const torch::Tensor& u_SN, int iterations = 40);

}  // namespace optdnn::solvers
