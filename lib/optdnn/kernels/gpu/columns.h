// Arguments of the kernels of columns.cuh. For C++ and CUDA alike.
#pragma once

#include "optdnn/kernels/gpu/rows.h"

namespace optdnn::kernels::gpu {

// sums = sum over rows of x.
struct ColumnSums {
  Rows of;
  const void* x;
  void* sums;  // of x's type
  Totals totals;
};

// y = scale x by channels; dx = scale dy, d_scale = sum over rows of x dy.
struct LayerScale {
  Rows of;
  const void* x;
  const float *scale, *dy;
  float *y, *d_scale;
  void* dx;
  Totals totals;
};

}  // namespace optdnn::kernels::gpu
