// Numbers of many tensors to another type, perhaps among zeros, in one kernel: a part is a tensor.
#pragma once

#include "optdnn/kernels/gpu/cast.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

// Requires: less than 2^31 numbers; memory of what keeps its size aligned to kWidth of them.
template <class From, class To, int kWidth>
KERNEL cast(const Casts a) {
  begin_kernel();
  const CastPart& of = a.parts[part()];
  const auto* from = static_cast<const From*>(of.from);
  auto* to = static_cast<To*>(of.to);
  const unsigned first = block() * threads() + thread(), step = blocks() * threads();
  const unsigned count = of.to_rows * of.to_columns;
  if (of.from_rows != of.to_rows || of.from_columns != of.to_columns) {
    for (unsigned i = first; i < count; i += step) {
      const int row = i / of.to_columns, column = i % of.to_columns;
      const bool inside = row < of.from_rows && column < of.from_columns;
      narrow(inside ? widen(from[row * of.from_columns + column]) : 0.0f, to[i]);
    }
    return;
  }
  for (unsigned i = first * kWidth; i < count; i += step * kWidth) {
    if (i + kWidth <= count) {
      float numbers[kWidth];
      read(from + i, numbers);
      write(numbers, to + i);
    } else {
      for (unsigned rest = i; rest < count; ++rest) narrow(widen(from[rest]), to[rest]);
    }
  }
}

}  // namespace optdnn::kernels::gpu
