// Layer norm over rows of channels, and its backward pass:
//   x' = (x - mean) inverse,  y = weight x' + bias, with the mean and the deviation of each row
//   g = weight dy,  dx = inverse (g - mean(g) - x' mean(g x')),  d_bias = sum dy,  d_weight = sum dy x'
// Neighbouring threads share a row and keep it in registers, so that x is read once and its variance is taken about its
// own mean. x and dx are Ins, y and dy Outs, all else is float. NaN stays NaN, in its row.
// Source: Ba, Kiros, Hinton 2016, arXiv 1607.06450.
#pragma once

#include "optdnn/kernels/gpu/layer_norm.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

// A thread's share of a row: so many vectors of kWidth numbers at most, which alternate with its neighbours'.
template <int kWidth, int kVectors>
struct Share {
  DEVICE explicit Share(const Rows& rows)
      : of(rows), lane(thread() % of.lanes), slot(thread() / of.lanes), slots(threads() / of.lanes) {}

  // Calls each(row, whether it is this thread's). The threads of a warp stay together: those with no row take the last
  // one, and are to write nothing.
  template <class Each>
  DEVICE void for_each_row(Each each) const {
    for (int first = block() * slots; first < of.rows; first += blocks() * slots) {
      const bool own = slot < slots && first + slot < of.rows;
      each(own ? first + slot : of.rows - 1, own);
    }
  }

  // Calls each(number of the vector, its first channel).
  template <class Each>
  DEVICE void for_each_vector(Each each) const {
    UNROLLED
    for (int v = 0; v < kVectors; ++v) {
      const int channel = (v * of.lanes + lane) * kWidth;
      if (channel < of.channels) each(v, channel);
    }
  }

  DEVICE float mean(float sum) const { return add_across(sum, of.lanes) / static_cast<float>(of.channels); }
  DEVICE long long begin(int row) const { return static_cast<long long>(row) * of.channels; }

  const Rows& of;
  int lane, slot, slots;
};

template <class In, class Out, int kWidth, int kNumbers>
KERNEL layer_norm(const LayerNorm a) {
  begin_kernel();
  constexpr int kVectors = kNumbers / kWidth;
  const Share<kWidth, kVectors> share(a.of);
  share.for_each_row([&](int row, bool own) {
    const In* x = static_cast<const In*>(a.x) + share.begin(row);
    float numbers[kVectors][kWidth] = {}, sum = 0.0f, squares = 0.0f;
    share.for_each_vector([&](int v, int channel) {
      read(x + channel, numbers[v]);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) sum += numbers[v][c];
    });
    const float mean = share.mean(sum);
    share.for_each_vector([&](int v, int) {
      UNROLLED
      for (int c = 0; c < kWidth; ++c) {
        numbers[v][c] -= mean;
        squares += numbers[v][c] * numbers[v][c];
      }
    });
    const float inverse = inverse_root(share.mean(squares) + a.epsilon);
    if (!own) return;
    if (share.lane == 0) {
      a.mean[row] = mean;
      a.inverse[row] = inverse;
    }
    Out* y = static_cast<Out*>(a.out) + share.begin(row);
    share.for_each_vector([&](int v, int channel) {
      float weight[kWidth], bias[kWidth];
      read(a.weight + channel, weight);
      read(a.bias + channel, bias);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) numbers[v][c] = numbers[v][c] * inverse * weight[c] + bias[c];
      write(numbers[v], y + channel);
    });
  });
}

template <class In, class Out, int kWidth, int kNumbers>
KERNEL layer_norm_backward(const LayerNorm a) {
  begin_kernel();
  constexpr int kVectors = kNumbers / kWidth;
  const Share<kWidth, kVectors> share(a.of);
  share.for_each_row([&](int row, bool own) {
    const In* x = static_cast<const In*>(a.x) + share.begin(row);
    const Out* dy = static_cast<const Out*>(a.dy) + share.begin(row);
    const float mean = a.mean[row], inverse = a.inverse[row];
    float normalised[kVectors][kWidth] = {}, g[kVectors][kWidth] = {}, sum = 0.0f, product = 0.0f;
    share.for_each_vector([&](int v, int channel) {
      float weight[kWidth];
      read(x + channel, normalised[v]);
      read(dy + channel, g[v]);
      read(a.weight + channel, weight);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) {
        normalised[v][c] = (normalised[v][c] - mean) * inverse;
        g[v][c] *= weight[c];
        sum += g[v][c];
        product += g[v][c] * normalised[v][c];
      }
    });
    const float offset = share.mean(sum), slope = share.mean(product);
    if (!own) return;
    In* dx = static_cast<In*>(a.out) + share.begin(row);
    share.for_each_vector([&](int v, int channel) {
      UNROLLED
      for (int c = 0; c < kWidth; ++c) g[v][c] = inverse * (g[v][c] - offset - normalised[v][c] * slope);
      write(g[v], dx + channel);
    });
  });
}

template <class In, class Out, int kWidth>
KERNEL layer_norm_sums(const LayerNorm a) {
  begin_kernel();
  const Lane<kWidth> lane(a.of);
  float sums[2 * kWidth] = {};
  for_each_pair<In, Out>(
      a.of, lane, a.x, a.dy, [&](int row, long long, const float(&x)[kWidth], const float(&dy)[kWidth]) {
        const float mean = a.mean[row], inverse = a.inverse[row];
        UNROLLED
        for (int c = 0; c < kWidth; ++c) {
          sums[c] += dy[c];
          sums[kWidth + c] += dy[c] * ((x[c] - mean) * inverse);
        }
      });
  add_up(sums, lane, a.totals, [&](int channel, const float(&of)[2]) {
    a.d_bias[channel] = of[0];
    a.d_weight[channel] = of[1];
  });
}

}  // namespace optdnn::kernels::gpu
