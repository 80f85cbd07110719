// Arguments of the kernel of cast.cuh. For C++ and CUDA alike.
#pragma once

namespace optdnn::kernels::gpu {

// Of two matrices their common corner; zeros beside it and below. What keeps its size is one row.
struct CastPart {
  const void* from;
  void* to;
  int from_rows, from_columns, to_rows, to_columns;
};

// CUDA takes arguments of 4096 bytes.
struct Casts {
  static constexpr int kMost = 128;
  CastPart parts[kMost];
};
static_assert(sizeof(Casts) <= 4096);

}  // namespace optdnn::kernels::gpu
