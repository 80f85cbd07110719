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
    const float weight = a.weights[input][output];
    if (weight == 0.0f) continue;  // of a number that is not finite too
    UNROLLED
    for (int c = 0; c < kWidth; ++c) sums[output][c] += weight * x[c];
  }
}

// Adds the inputs from `first` on.
template <class Number, int kOutputs, int kWidth>
DEVICE void add_inputs(const Combination& a, int first, long long i, float (&sums)[kOutputs][kWidth]) {
  UNROLLED_BY_4
  for (int input = first; input < a.count; ++input) {
    float x[kWidth];
    read(static_cast<const Number*>(a.inputs[input]) + i, x);
    add_input(a, input, x, sums);
  }
}

template <class Number, int kOutputs, int kWidth>
DEVICE void write_outputs(const Combination& a, long long i, const float (&sums)[kOutputs][kWidth]) {
  UNROLLED
  for (int output = 0; output < kOutputs; ++output) {
    if (a.outputs[output]) write(sums[output], static_cast<Number*>(a.outputs[output]) + i);
  }
}

template <class Number, int kWidth, int kOutputs>
KERNEL combine(const Combination a) {
  const Lane<kWidth> lane(a.norm.of);
  for_each_row(a.norm.of, lane, [&](long long i) {
    float sums[kOutputs][kWidth] = {};
    add_inputs<Number>(a, 0, i, sums);
    write_outputs<Number>(a, i, sums);
  });
}

template <class Number, int kWidth, int kOutputs>
KERNEL combine_statistics(const Combination a) {
  const Lane<kWidth> lane(a.norm.of);
  float about[1][kWidth] = {}, moments[2 * kWidth] = {};
  if (lane.active) add_inputs<Number>(a, 0, lane.channel, about);
  for_each_row(a.norm.of, lane, [&](long long i) {
    float sums[kOutputs][kWidth] = {};
    add_inputs<Number>(a, 0, i, sums);
    write_outputs<Number>(a, i, sums);
    UNROLLED
    for (int c = 0; c < kWidth; ++c) {
      const float d = rounded<Number>(sums[0][c]) - about[0][c];
      moments[c] += d;
      moments[kWidth + c] += d * d;
    }
  });
  if (add_up(moments, lane, a.norm.totals)) store_statistics(a.norm, lane, moments, about[0]);
}

template <class Number, int kWidth, int kOutputs>
KERNEL combine_backward(const Combination a) {
  const Lane<kWidth> lane(a.norm.of);
  const ThroughNorm<kWidth> by(a.norm, lane);
  const auto *x = static_cast<const Number*>(a.norm.x), *dy = static_cast<const Number*>(a.norm.dy);
  const auto* more = static_cast<const Number*>(a.inputs[0]);
  for_each_row(a.norm.of, lane, [&](long long i) {
    float numbers[kWidth], gradients[kWidth], sums[kOutputs][kWidth] = {};
    read(x + i, numbers);
    read(dy + i, gradients);
    UNROLLED
    for (int c = 0; c < kWidth; ++c) gradients[c] = by.dx(numbers[c], gradients[c], c);
    if (more) {
      read(more + i, numbers);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) gradients[c] += numbers[c];
    }
    add_input(a, 0, gradients, sums);
    add_inputs<Number>(a, 1, i, sums);
    write_outputs<Number>(a, i, sums);
  });
}

}  // namespace optdnn::kernels::gpu
