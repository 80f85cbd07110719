// relu(batch norm(x)) by the batch's own statistics, and its backward pass, over rows of channels:
//   x' = (x - mean) inverse,  z = weight x' + bias,  y = max(z, 0)
//   dz = dy where z > 0,  d_bias = sum dz,  d_weight = sum dz x',
//   dx = weight inverse (dz - (d_bias + x' d_weight) / N)
// Each pass is two kernels, one that sums over rows and one that maps them. x, y and their gradients are Numbers, all
// else is float. The variance is summed about the first row, so that a large mean does not cancel. NaN stays NaN.
// Source: Ioffe, Szegedy 2015.
#pragma once

#include "optdnn/kernels/gpu/batch_norm_relu.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

// Of a channel, from the sums of x - about and of its square over all rows.
DEVICE void store_statistics(const BatchNormRelu& a, int channel, const float (&sums)[2], float about) {
  const float running_mean = a.running_mean[channel], running_var = a.running_var[channel];
  const auto N = static_cast<float>(a.of.rows);
  const float shift = sums[0] / N, mean = about + shift;
  float variance = sums[1] / N - shift * shift;
  variance = variance < 0.0f ? 0.0f : variance;
  a.mean[channel] = mean;
  a.inverse[channel] = inverse_root(variance + a.epsilon);
  a.running_mean[channel] = running_mean + a.momentum * (mean - running_mean);
  a.running_var[channel] = running_var + a.momentum * (variance * (N / (N - 1.0f)) - running_var);
}

template <class Number, int kWidth>
KERNEL batch_norm_statistics(const BatchNormRelu a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  const auto* x = static_cast<const Number*>(a.x);
  float about[kWidth] = {}, sums[2 * kWidth] = {};
  if (lane.active) read(x + lane.channel, about);
  for_each_row<Number>(a.of, lane, {x}, [&](long long, const float(&numbers)[1][kWidth]) {
    UNROLLED
    for (int c = 0; c < kWidth; ++c) {
      const float d = numbers[0][c] - about[c];
      sums[c] += d;
      sums[kWidth + c] += d * d;
    }
  });
  add_up(sums, lane, a.totals, [&](int channel, const float(&of)[2]) {
    float first[1];
    read(x + channel, first);
    store_statistics(a, channel, of, first[0]);
  });
}

// What a lane's channels are mapped by.
template <int kWidth>
struct Normalising {
  DEVICE Normalising(const BatchNormRelu& a, const Lane<kWidth>& lane) {
    if (!lane.active) return;
    read(a.weight + lane.channel, weight);
    read(a.bias + lane.channel, bias);
    read(a.mean + lane.channel, mean);
    read(a.inverse + lane.channel, inverse);
  }
  DEVICE float normalised(float x, int c) const { return (x - mean[c]) * inverse[c]; }
  DEVICE float z(float normalised, int c) const { return weight[c] * normalised + bias[c]; }
  float weight[kWidth], bias[kWidth], mean[kWidth], inverse[kWidth];
};

template <class Number, int kWidth>
KERNEL batch_norm_relu(const BatchNormRelu a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  const Normalising<kWidth> by(a, lane);
  for_each_row<Number>(a.of, lane, {a.x}, [&](long long i, float(&numbers)[1][kWidth]) {
    UNROLLED
    for (int c = 0; c < kWidth; ++c) {
      const float z = by.z(by.normalised(numbers[0][c], c), c);
      numbers[0][c] = z < 0.0f ? 0.0f : z;
    }
    write(numbers[0], static_cast<Number*>(a.out) + i);
  });
}

template <class Number, int kWidth>
KERNEL batch_norm_relu_sums(const BatchNormRelu a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  const Normalising<kWidth> by(a, lane);
  float sums[2 * kWidth] = {};
  for_each_row<Number>(a.of, lane, {a.x, a.dy}, [&](long long, const float(&numbers)[2][kWidth]) {
    UNROLLED
    for (int c = 0; c < kWidth; ++c) {
      const float normalised = by.normalised(numbers[0][c], c);
      const float dz = by.z(normalised, c) > 0.0f ? numbers[1][c] : 0.0f;
      sums[c] += dz;
      sums[kWidth + c] += dz * normalised;
    }
  });
  add_up(sums, lane, a.totals, [&](int channel, const float(&of)[2]) {
    a.d_bias[channel] = of[0];
    a.d_weight[channel] = of[1];
  });
}

// The gradient of x from that of y:  d = x - mean,  dx = scale (dz - d_bias / N) - slope d.
template <int kWidth>
struct ThroughNorm {
  DEVICE ThroughNorm(const BatchNormRelu& a, const Lane<kWidth>& lane) {
    if (!lane.active) return;
    float inverse[kWidth], d_weight[kWidth];
    read(a.mean + lane.channel, mean);
    read(a.bias + lane.channel, bias);
    read(a.weight + lane.channel, scale);
    read(a.inverse + lane.channel, inverse);
    read(a.d_bias + lane.channel, offset);
    read(a.d_weight + lane.channel, d_weight);
    const float share = 1.0f / static_cast<float>(a.of.rows);
    UNROLLED
    for (int c = 0; c < kWidth; ++c) {
      scale[c] *= inverse[c];
      offset[c] *= share;
      slope[c] = scale[c] * inverse[c] * d_weight[c] * share;
    }
  }
  DEVICE float dx(float x, float dy, int c) const {
    const float d = x - mean[c], dz = scale[c] * d + bias[c] > 0.0f ? dy : 0.0f;
    return scale[c] * (dz - offset[c]) - slope[c] * d;
  }
  float mean[kWidth], bias[kWidth], scale[kWidth], offset[kWidth], slope[kWidth];
};

template <class Number, int kWidth>
KERNEL batch_norm_relu_backward(const BatchNormRelu a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  const ThroughNorm<kWidth> by(a, lane);
  for_each_row<Number>(a.of, lane, {a.x, a.dy}, [&](long long i, float(&numbers)[2][kWidth]) {
    UNROLLED
    for (int c = 0; c < kWidth; ++c) numbers[0][c] = by.dx(numbers[0][c], numbers[1][c], c);
    write(numbers[0], static_cast<Number*>(a.out) + i);
  });
}

}  // namespace optdnn::kernels::gpu
