// Arguments of kernels over rows of channels (rows.cuh). For C++ and CUDA alike.
#pragma once

namespace optdnn::kernels::gpu {

// x_NC, N = `rows`, C = `channels`. A block takes `lanes` vectors of kWidth channels, those of its part.
struct Rows {
  int rows, channels, lanes;
};

// Where blocks add up: parts x blocks x sums of a block, and as many counters as parts, which are zero before and
// after. The blocks may be those of several launches, the ones `before` and others after.
struct Totals {
  float* partial;
  int* arrived;
  int before, blocks;
};

}  // namespace optdnn::kernels::gpu
