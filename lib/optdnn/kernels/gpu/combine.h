// Arguments of the kernels of combine.cuh. For C++ and CUDA alike.
#pragma once

#include "optdnn/kernels/gpu/batch_norm_relu.h"

namespace optdnn::kernels::gpu {

struct Combination {
  static constexpr int kMostInputs = 8, kMostOutputs = 4;
  BatchNormRelu norm;  // of output 0, or backwards of input 0; `of` shares out all tensors, with a norm or without
  const void* inputs[kMostInputs];  // backwards the first may be null
  void* outputs[kMostOutputs];      // null: not wanted
  float weights[kMostInputs][kMostOutputs];
  int count;  // of inputs
};

}  // namespace optdnn::kernels::gpu
