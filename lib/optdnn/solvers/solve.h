// Fixed points u = F(u) of many samples at once, each with its own residual and its own end.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

#include "optdnn/solvers/spec.h"

namespace optdnn::solvers {

// Shapes: S x N -> S x N, samples apart from each other.
using Map = std::function<torch::Tensor(const torch::Tensor&)>;

struct Solution {
  torch::Tensor u_SN;                // of each sample the iterate with the smallest residual that was looked at
  torch::Tensor residual_S;          // |F(u) - u| / |F(u)| there; infinite where no iterate was finite
  torch::Tensor steps_S;             // evaluations of F up to where the sample stopped
  torch::Tensor failed_S;            // not within the tolerance, or (without one) not finite
  std::vector<torch::Tensor> curve;  // S: the residual at each look
  std::vector<int64_t> looked_at;    // evaluations of F up to that look
};

// Never throws because of what F returns: a sample that does not converge, or is no longer finite, keeps its best
// iterate and is marked. A sample that has stopped keeps its iterate whatever the others still do.
// With gradients enabled every operation is recorded, so that the solve itself can be differentiated.
Solution solve(const SolverSpec& spec, const Map& F, const torch::Tensor& start_SN);

}  // namespace optdnn::solvers
