// Many tensors in one kernel: each block finds the chunk of a tensor that is its own.
#pragma once

#include "optdnn/kernels/gpu/chunks.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

// The part a chunk lies in: the last one that does not begin behind it.
template <class Part>
DEVICE const Part& part_of_chunk(const Part* parts, int count, int chunk) {
  int low = 0;
  for (int high = count; high - low > 1;) {
    const int middle = (low + high) / 2;
    if (parts[middle].begin <= chunk) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return parts[low];
}

// Calls each.at<width>(where) for the thread's numbers of chunk `chunk` of a tensor of `count`: vectors, then what is
// left. (NVRTC takes no generic lambda.)
template <int kWidth, class Each>
DEVICE void for_each_of_chunk(int chunk, int count, Each& each) {
  for (int vector = 0; vector < kVectorsOfChunk; ++vector) {
    const int i = ((chunk * kVectorsOfChunk + vector) * threads() + thread()) * kWidth;
    if (i + kWidth <= count) {
      each.template at<kWidth>(i);
    } else {
      for (int rest = i; rest < count; ++rest) each.template at<1>(rest);
    }
  }
}

}  // namespace optdnn::kernels::gpu
