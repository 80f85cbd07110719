// What layers over rows of channels do to each channel alone: the sum of its column, which is the gradient of a bias,
// and the scale of ConvNeXt's layers with its gradients. x and dx are Numbers, all else is float.
#pragma once

#include "optdnn/kernels/gpu/columns.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

template <class Number, int kWidth>
KERNEL column_sums(const ColumnSums a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  float sums[kWidth] = {};
  for_each_row<Number>(a.of, lane, {a.x}, [&](long long, const float(&numbers)[1][kWidth]) {
    UNROLLED
    for (int c = 0; c < kWidth; ++c) sums[c] += numbers[0][c];
  });
  add_up(sums, lane, a.totals,
         [&](int channel, const float(&of)[1]) { narrow(of[0], static_cast<Number*>(a.sums)[channel]); });
}

template <class Number, int kWidth>
KERNEL layer_scale(const LayerScale a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  float scale[kWidth] = {};
  if (lane.active) read(a.scale + lane.channel, scale);
  for_each_row<Number>(a.of, lane, {a.x}, [&](long long i, float(&numbers)[1][kWidth]) {
    UNROLLED
    for (int c = 0; c < kWidth; ++c) numbers[0][c] *= scale[c];
    write(numbers[0], a.y + i);
  });
}

template <class Number, int kWidth>
KERNEL layer_scale_backward(const LayerScale a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  float scale[kWidth] = {}, sums[kWidth] = {};
  if (lane.active) read(a.scale + lane.channel, scale);
  for_each_pair<Number, float>(
      a.of, lane, a.x, a.dy, [&](int, long long i, const float(&x)[kWidth], float(&dy)[kWidth]) {
        UNROLLED
        for (int c = 0; c < kWidth; ++c) {
          sums[c] += x[c] * dy[c];
          dy[c] *= scale[c];
        }
        write(dy, static_cast<Number*>(a.dx) + i);
      });
  add_up(sums, lane, a.totals, [&](int channel, const float(&of)[1]) { a.d_scale[channel] = of[0]; });
}

}  // namespace optdnn::kernels::gpu
