// Numbers of many tensors to another type, in one kernel: a part is a tensor.
#pragma once

#include "optdnn/kernels/gpu/cast.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

// Requires: memory aligned to kWidth numbers.
template <class From, class To, int kWidth>
KERNEL cast(const Casts a) {
  const CastPart& of = a.parts[part()];
  const auto* from = static_cast<const From*>(of.from);
  auto* to = static_cast<To*>(of.to);
  for (long long i = static_cast<long long>(block() * threads() + thread()) * kWidth; i < of.count;
       i += static_cast<long long>(blocks() * threads()) * kWidth) {
    if (i + kWidth <= of.count) {
      float numbers[kWidth];
      read(from + i, numbers);
      write(numbers, to + i);
    } else {
      for (long long rest = i; rest < of.count; ++rest) narrow(widen(from[rest]), to[rest]);
    }
  }
}

}  // namespace optdnn::kernels::gpu
