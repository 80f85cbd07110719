// Arguments of the kernels of batch_norm_relu.cuh. For C++ and CUDA alike.
#pragma once

#include "optdnn/kernels/gpu/partial.h"
#include "optdnn/kernels/gpu/rows.h"

namespace optdnn::kernels::gpu {

struct BatchNormRelu {
  Rows of;
  const void *x, *dy;  // rows x channels
  void* out;           // y, or dx
  const float *weight, *bias;
  float *mean, *inverse;              // of the batch; the inverse of the deviation
  float *running_mean, *running_var;  // are updated
  float *d_weight, *d_bias;
  Totals totals;
  Partial left;  // of x, for batch_norm_gather
  float momentum, epsilon;
};

}  // namespace optdnn::kernels::gpu
