// relu(group norm(x)) as one autograd node for images on the CPU whose channels lie innermost: a sample is read into
// the cache once forward and once backward, by the loops of batch norm. Its slow twin are LibTorch's operators, equal
// up to rounding. Source: Wu, He 2018.
#pragma once

#include <torch/torch.h>

#include "optdnn/modules/activation.h"

namespace optdnn::modules {

struct GroupNorm {
  int64_t groups;
  torch::Tensor weight, bias;  // C each; without an affine map not defined
  double epsilon;
  bool bounded;  // bounded_group_norm (normalisation.h), which has no epsilon
};

// activation(group norm(x)): one node where the activation is relu and group_norm_relu_fits. Shapes: x_BCHW -> the
// same. Differentiable twice. Requires: several values a group.
torch::Tensor activated_group_norm(const torch::Tensor& x, const GroupNorm& norm, Activation activation);
bool group_norm_relu_fits(const torch::Tensor& x, const GroupNorm& norm);

}  // namespace optdnn::modules
