// The update of all weights (weight_update.h) by the kernels of kernels/gpu/update.cuh: one or two launches for up to
// 64 tensors. Nothing of it waits for the device, and the learning rate is read there, so that a recorded iteration has
// it.
#pragma once

#include "optdnn/training/weight_update.h"

namespace optdnn::training {

// Whether there are kernels for it: float32 weights, a guard that defers, an optimizer of one rate, norms of one run.
bool flat_update_fits(const UpdateParts& parts);

// Requires: flat_update_fits. Uses the gradients as they are, where they are. `learning_rate`: a float32 scalar there.
void flat_update(const UpdateParts& parts, const torch::Tensor& learning_rate);

}  // namespace optdnn::training
