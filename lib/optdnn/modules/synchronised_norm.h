// Batch norm whose statistics are those of the whole batch, of which every process of a world has a share; the shares
// may differ in size; a process that does not count adds nothing. Mean and squared deviations of the shares are
// combined in the order of ranks
//   M2 = sum over ranks of M2_r + n_r (mean_r - mean)^2                        (Chan, Golub, LeVeque 1979)
// and the backward pass sums its two numbers per channel likewise. Paper: cross-device norm, Peng et al. 2018 (MegDet).
#pragma once

#include "optdnn/modules/batch_norm_relu.h"
#include "optdnn/world/world.h"

namespace optdnn::modules {

// Shapes: x_BC or x_BCHW -> the same. The gradients of weight and bias are those of the share. Requires:
// norm.training; every process calls it equally often, forward and backward; no second derivative is asked for; the
// whole batch has two values of a channel at least.
torch::Tensor synchronised_norm(const torch::Tensor& x, const BatchNorm& norm, const world::World& world);

// Every batch norm of the network takes the whole batch's statistics from now on. Requires: the world outlives it.
void synchronise(torch::nn::Module& network, const world::World& world);

}  // namespace optdnn::modules
