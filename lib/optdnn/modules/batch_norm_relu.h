// relu(batch norm(x)) as one autograd node for images on the CPU whose channels lie innermost: eight passes over memory
// in the place of some fourteen. Its slow twin are LibTorch's own two operators, equal up to rounding.
#pragma once

#include <torch/torch.h>

namespace optdnn::modules {

struct BatchNorm {
  torch::Tensor weight, bias, running_mean, running_var;  // C each; the running ones are updated while training
  bool training;
  double momentum, epsilon;
};

// Shapes: x_BCHW -> the same. Whether batch_norm_relu can take it.
bool batch_norm_relu_fits(const torch::Tensor& x, const BatchNorm& norm);

// Requires that it fits. Differentiable twice.
torch::Tensor batch_norm_relu(const torch::Tensor& x, const BatchNorm& norm);

}  // namespace optdnn::modules
