// The linear map with norms of linear_node.h on a GPU: one kernel makes all outputs and the moments of one that is
// normed, one makes all gradients with what comes through that norm (kernels/gpu/combine.cuh). Its slow twin are the
// operators, equal up to rounding: in 16 bits those round once a term.
#pragma once

#include "optdnn/execution/linear_node.h"

namespace optdnn::execution {

// Whether there are kernels for it: a few dense tensors of one of the kernels' types, images that lie alike (vectors
// are laid alike), few learned weights (gpu_learned.h), and norms that are being trained.
bool gpu_linear_fits(const kernels::LinearMap& map, const std::vector<torch::Tensor>& inputs, at::TensorList learned,
                     const std::vector<NormedOutput>& normed);

// As apply_linear. Requires: gpu_linear_fits.
LinearOutputs gpu_linear(const std::shared_ptr<const kernels::LinearMap>& map, const std::vector<torch::Tensor>& inputs,
                         at::TensorList learned, const std::vector<NormedOutput>& normed);

}  // namespace optdnn::execution
