// sum_i w_i x_i with as few passes over memory as ATen allows: a term of weight one is not multiplied, two terms are
// one kernel, a single term of weight one is the tensor itself.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace optdnn::models {

struct WeightedTensor {
  torch::Tensor tensor;
  double weight = 1.0;
  torch::Tensor learned;  // a scalar (or one per run); takes the place of `weight` where it is defined
};

// Shapes: all tensors alike. Requires at least one term.
torch::Tensor linear_combination(const std::vector<WeightedTensor>& terms);

}  // namespace optdnn::models
