// Arguments of the kernels of combine.cuh. For C++ and CUDA alike.
#pragma once

#include "optdnn/kernels/gpu/batch_norm_relu.h"

namespace optdnn::kernels::gpu {

struct Combination {
  static constexpr int kMostInputs = 32, kMostOutputs = 4;
  BatchNormRelu norm;  // of output 0, or backwards of input 0; `of` shares out all tensors, with a norm or without
  const void* inputs[kMostInputs];  // backwards the first may be null
  void* outputs[kMostOutputs];      // null: not wanted
  float weights[kMostInputs][kMostOutputs];
  const float* matrix;  // of learned weights (learned.cuh), which are read in their place; null: none
  short at[kMostInputs][kMostOutputs];
  int count;  // of inputs
};

// The kernels are made for so many outputs.
constexpr int room_for(int outputs) { return outputs <= 1 ? 1 : outputs <= 2 ? 2 : Combination::kMostOutputs; }

}  // namespace optdnn::kernels::gpu
