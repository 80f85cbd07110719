// Several tensors made of several others, by linear combinations in turn, as one autograd node. The way back is the
// transposed tape, so that forwards and backwards a tensor passes through memory once, however many terms it is in.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "optdnn/models/linear_kernel.h"

namespace optdnn::models {

struct LinearMap {
  // Requires a tape without modules; `outputs` are values of it, none twice.
  LinearMap(Tape tape, std::vector<int> outputs);

  Tape tape;
  std::vector<int> outputs;
  Tape back;                   // its inputs are the gradients of the outputs
  std::vector<int> gradients;  // of the inputs: values of `back`
  Tape again;                  // what of `tape` the derivatives by learned weights need
  std::vector<TapeDot> dots;   // between `again` and `back`: those derivatives
  std::vector<bool> kept;      // the inputs that `again` reads
};

// The outputs for these inputs; `learned` are scalars, by the terms' numbers. Shapes: all tensors alike. One pass where
// they are dense float or double tensors on the CPU that lie alike and autocast is off; else by LibTorch's operators,
// which give the same numbers up to rounding. Differentiable any number of times.
std::vector<torch::Tensor> apply(const std::shared_ptr<const LinearMap>& map, const std::vector<torch::Tensor>& inputs,
                                 at::TensorList learned);

}  // namespace optdnn::models
