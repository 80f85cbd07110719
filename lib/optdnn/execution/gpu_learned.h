// Learned weights of a linear map on a GPU, by the kernels of kernels/gpu/learned.cuh.
#pragma once

#include <torch/torch.h>

#include "optdnn/kernels/launcher.h"
#include "optdnn/kernels/linear_map.h"

namespace optdnn::execution {

// Whether the kernels take them, few scalars in float32, for states like this one. Requires: GpuRows::is_flat(like).
bool gpu_learned_fits(kernels::Launcher& launcher, const kernels::LinearMap& map, at::TensorList learned,
                      const torch::Tensor& like);

// Of one map or two: by value the weights of the inputs in it. Shapes: values x inputs.
std::vector<torch::Tensor> gpu_matrices(kernels::Launcher& launcher, at::ArrayRef<const kernels::Combinations*> maps,
                                        at::TensorList learned);

// What the gradients of learned weights are made of. Tensors that are not defined are not read.
struct LearnedBackward {
  const kernels::LinearMap& map;
  at::TensorList learned;
  const std::vector<torch::Tensor>& inputs;  // that the map keeps
  std::vector<torch::Tensor> gradients;      // of its outputs, with what comes through their norms; one at least
  torch::Tensor values, matrix;              // matrices of map.again and map.transposed
};

// Scalars, by learned weight.
std::vector<torch::Tensor> gpu_learned_gradients(kernels::Launcher& launcher, const LearnedBackward& of);

}  // namespace optdnn::execution
