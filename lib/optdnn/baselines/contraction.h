// Whether the solves of an implicit network are contractions, by what bounds its modules and as measured; and how far
// its cheaper gradients are from the exact one.
#pragma once

#include "optdnn/models/network.h"

namespace optdnn::baselines {

using models::Network;

// rho(|D| diag(L)), the largest over the first `depth` steps at the initial coefficients, L the modules' bounds: below
// 1 every solve is a contraction in some weighted norm. 0 for an explicit rule; nothing where a module that is solved
// for has no bound.
std::optional<double> contraction_factor(const algorithms::Rule& rule, const std::vector<modules::ModuleSpec>& modules,
                                         int depth);

// The spectral radius of dF/du at the solutions for these inputs, in evaluation: for every fixed point of the network
// and every run the largest over samples and steps. Empty for an explicit network. Nothing is tallied.
std::vector<std::vector<double>> measure_radii(Network& network, const torch::Tensor& inputs);

// The cosine between the exact gradient and a cheaper one, over all parameters of a run, for a fixed combination of the
// outputs for these inputs. Nothing if the network has no fixed point.
struct GradientCosines {
  std::vector<double> phantom, jacobian_free;  // by run
};
std::optional<GradientCosines> measure_cosines(Network& network, const torch::Tensor& inputs, int64_t runs = 1);

}  // namespace optdnn::baselines
