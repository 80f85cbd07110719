// Linear combinations of tensors that lie alike, y_o = sum_i weight_io x_i, in one pass over memory, together with what
// the batch norm of output 0 begins with, its moments, and in the backward pass with what that norm ends with, its
// gradient, which is added to that of the output.
#pragma once

#include "optdnn/kernels/gpu/batch_norm_relu.cuh"
#include "optdnn/kernels/gpu/combine.h"

namespace optdnn::kernels::gpu {

template <int kOutputs, int kWidth>
DEVICE void add_input(const Combination& a, int input, const float (&x)[kWidth], float (&sums)[kOutputs][kWidth]) {
  UNROLLED
  for (int output = 0; output < kOutputs; ++output) {
    const float weight = a.matrix ? a.matrix[a.at[input][output]] : a.weights[input][output];
    if (weight == 0.0f) continue;  // of a number that is not finite too
    UNROLLED
    for (int c = 0; c < kWidth; ++c) sums[output][c] += weight * x[c];
  }
}

// Adds the inputs from `first` on, of so many rows.
template <class Number, int kRows, int kOutputs, int kWidth>
DEVICE void add_inputs(const Combination& a, int first, const long long (&at)[kRows],
                       float (&sums)[kRows][kOutputs][kWidth]) {
  for (int input = first; input < a.count; ++input) {
    Vector<Number, kWidth> loaded[kRows];
    UNROLLED
    for (int r = 0; r < kRows; ++r) load(a.inputs[input], at[r], loaded[r]);
    UNROLLED
    for (int r = 0; r < kRows; ++r) {
      float x[kWidth];
      widen(loaded[r], x);
      add_input(a, input, x, sums[r]);
    }
  }
}

template <class Number, int kOutputs, int kWidth>
DEVICE void write_outputs(const Combination& a, long long at, const float (&sums)[kOutputs][kWidth]) {
  UNROLLED
  for (int output = 0; output < kOutputs; ++output) {
    if (a.outputs[output]) write(sums[output], static_cast<Number*>(a.outputs[output]) + at);
  }
}

template <int kOutputs>
constexpr int kCombinedAtOnce = kRowsAtOnce / kOutputs;

template <class Number, int kWidth, int kOutputs>
KERNEL combine(const Combination a) {
  begin_kernel();
  constexpr int kRows = kCombinedAtOnce<kOutputs>;
  const Lane<kWidth> lane(a.norm.of);
  for_each_rows<kRows>(a.norm.of, lane, [&](const long long(&at)[kRows], int count) {
    float sums[kRows][kOutputs][kWidth] = {};
    add_inputs<Number>(a, 0, at, sums);
    UNROLLED
    for (int r = 0; r < kRows; ++r) {
      if (r < count) write_outputs<Number>(a, at[r], sums[r]);
    }
  });
}

template <class Number, int kWidth, int kOutputs>
KERNEL combine_statistics(const Combination a) {
  begin_kernel();
  constexpr int kRows = kCombinedAtOnce<kOutputs>;
  const Lane<kWidth> lane(a.norm.of);
  float about[1][1][kWidth] = {}, moments[2 * kWidth] = {};
  if (lane.active) add_inputs<Number>(a, 0, {lane.channel}, about);
  for_each_rows<kRows>(a.norm.of, lane, [&](const long long(&at)[kRows], int count) {
    float sums[kRows][kOutputs][kWidth] = {};
    add_inputs<Number>(a, 0, at, sums);
    UNROLLED
    for (int r = 0; r < kRows; ++r) {
      if (r >= count) continue;
      write_outputs<Number>(a, at[r], sums[r]);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) {
        const float d = rounded<Number>(sums[r][0][c]) - about[0][0][c];
        moments[c] += d;
        moments[kWidth + c] += d * d;
      }
    }
  });
  add_up(moments, lane, a.norm.totals, [&](int channel, const float(&of)[2]) {
    float first[1][1][1] = {};
    add_inputs<Number>(a, 0, {channel}, first);
    store_statistics(a.norm, channel, of, first[0][0][0]);
  });
}

template <class Number, int kWidth, int kOutputs>
KERNEL combine_backward(const Combination a) {
  begin_kernel();
  constexpr int kRows = kCombinedAtOnce<kOutputs>;
  const Lane<kWidth> lane(a.norm.of);
  const ThroughNorm<kWidth> by(a.norm, lane);
  for_each_rows<kRows>(a.norm.of, lane, [&](const long long(&at)[kRows], int count) {
    Vector<Number, kWidth> x[kRows], dy[kRows], more[kRows] = {};
    UNROLLED
    for (int r = 0; r < kRows; ++r) {
      load(a.norm.x, at[r], x[r]);
      load(a.norm.dy, at[r], dy[r]);
      if (a.inputs[0]) load(a.inputs[0], at[r], more[r]);
    }
    float sums[kRows][kOutputs][kWidth] = {};
    UNROLLED
    for (int r = 0; r < kRows; ++r) {
      float numbers[kWidth], gradients[kWidth];
      widen(x[r], numbers);
      widen(dy[r], gradients);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) gradients[c] = by.dx(numbers[c], gradients[c], c);
      widen(more[r], numbers);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) gradients[c] += numbers[c];
      add_input(a, 0, gradients, sums[r]);
    }
    add_inputs<Number>(a, 1, at, sums);
    UNROLLED
    for (int r = 0; r < kRows; ++r) {
      if (r < count) write_outputs<Number>(a, at[r], sums[r]);
    }
  });
}

}  // namespace optdnn::kernels::gpu
