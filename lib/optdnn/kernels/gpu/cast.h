// Arguments of the kernel of cast.cuh. For C++ and CUDA alike.
#pragma once

namespace optdnn::kernels::gpu {

struct CastPart {
  const void* from;
  void* to;
  long long count;  // of numbers
};

// CUDA takes arguments of 4096 bytes.
struct Casts {
  static constexpr int kMost = 160;
  CastPart parts[kMost];
};

}  // namespace optdnn::kernels::gpu
