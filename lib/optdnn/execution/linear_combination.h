// sum_i w_i x_i with as few passes over memory as ATen allows: a term of weight one is not multiplied, two terms are
// one kernel, a single term of weight one is the tensor itself.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "optdnn/kernels/combinations.h"

namespace optdnn::execution {

struct WeightedTensor {
  torch::Tensor tensor;
  double weight = 1.0;
  torch::Tensor learned;  // a scalar (or one per run); takes the place of `weight` where it is defined
};

// Shapes: all tensors alike. Requires at least one term.
torch::Tensor linear_combination(const std::vector<WeightedTensor>& terms);

// One combination of these values; zero without terms. `learned` are scalars (or one per run), by the terms' numbers.
// Requires that one of the values is defined.
torch::Tensor combine(const kernels::Terms& terms, const std::vector<torch::Tensor>& values, at::TensorList learned);

// The terms with the tensors they name.
std::vector<WeightedTensor> weighted(const kernels::Terms& terms, const std::vector<torch::Tensor>& values,
                                     at::TensorList learned);

// Zero, shaped as the values that are defined. Requires one.
torch::Tensor zeros_like_values(const std::vector<torch::Tensor>& values);

// The values of these numbers.
std::vector<torch::Tensor> pick(const std::vector<torch::Tensor>& values, const std::vector<int>& wanted);

}  // namespace optdnn::execution
