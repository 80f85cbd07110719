// Arguments of the kernels of layer_norm.cuh. For C++ and CUDA alike.
#pragma once

#include "optdnn/kernels/gpu/rows.h"

namespace optdnn::kernels::gpu {

struct LayerNorm {
  Rows of;             // `lanes`: threads that share a row; of the sums, as in rows.h
  const void *x, *dy;  // rows x channels
  void* out;           // y, or dx
  const float *weight, *bias;
  float *mean, *inverse;  // of each row; the inverse of the deviation
  float *d_weight, *d_bias;
  Totals totals;
  float epsilon;
};

}  // namespace optdnn::kernels::gpu
