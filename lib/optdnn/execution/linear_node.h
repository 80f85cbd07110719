// A linear map of tensors as one autograd node, with the norms that follow it: the moments of an output are taken while
// it is made, relu(norm) is left to the convolution that reads it, and in the backward pass the gradient that comes
// through its norm is added where the others are combined.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "optdnn/kernels/linear_map.h"
#include "optdnn/modules/batch_norm_relu.h"

namespace optdnn::execution {

// relu(batch norm) of an output is wanted too.
struct NormedOutput {
  int output;  // which of the map's outputs
  modules::BatchNorm norm;
};

struct LinearOutputs {
  std::vector<torch::Tensor> values;
  std::vector<modules::NormedRelu> normed;
  std::vector<torch::Tensor> made() const;  // the values, then the normed ones
};

// The outputs for these inputs, and the normed ones; `learned` are scalars, by the terms' numbers. Shapes: all tensors
// alike. One pass for all outputs where they are dense float or double tensors on the CPU that lie alike and autocast
// is off, and where gpu_linear.h takes them, else by LibTorch's operators, which give the same numbers up to rounding.
// Differentiable any number of times.
LinearOutputs apply_linear(const std::shared_ptr<const kernels::LinearMap>& map,
                           const std::vector<torch::Tensor>& inputs, at::TensorList learned,
                           const std::vector<NormedOutput>& normed = {});

}  // namespace optdnn::execution
