// The gradients of a network as one vector.
#pragma once

#include <torch/torch.h>

#include "optdnn/training/optimizer.h"

namespace optdnn::training {

// Of the parameters that have one.
std::vector<torch::Tensor> gradients_of(const NamedParameters& parameters);
void clear_gradients(const NamedParameters& parameters);

// The Euclidean norm of all of them together, a float32 scalar; of several runs, one norm each (R).
torch::Tensor gradient_norm(const std::vector<torch::Tensor>& gradients, int64_t runs = 1);

}  // namespace optdnn::training
