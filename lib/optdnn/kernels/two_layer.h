// T(x) = W2 s(W1 x + b1) + b2 and its derivative for one run of small layers, samples innermost: loops over plain
// memory, to be inlined (small_matrix.h). The numbers are those of the operators up to rounding.
#pragma once

#include "optdnn/kernels/small_matrix.h"

namespace optdnn::kernels {

// Width times hidden up to which the kernel is faster than matrix products (measured at 256 samples).
constexpr int64_t kLargestKernel = 1024;

// Those whose derivative follows from the value.
enum class SmallActivation { tanh, sigmoid, relu };

// Weights of `Number`, or with `const Number` weights that are read: H x D, H, D x H, D.
template <class Number>
struct TwoLayerPointers {
  Number *W1, *b1, *W2, *b2;
};

struct TwoLayerSizes {
  int64_t D, H, N;  // width, hidden, samples
  SmallActivation activation;
};

// Applies `change` to `count` numbers, to floats by whole vectors.
template <int kBytes, class Number, class Change>
OPTDNN_INLINE void for_each_number(Number* h, int64_t count, Change change) {
  using W = Wide<kBytes, Number>;
  int64_t i = 0;
  if constexpr (std::is_same_v<Number, float>) {
    for (; i + W::kOfPart <= count; i += W::kOfPart) change(W::at(h + i));
  }
  for (; i < count; ++i) change(h[i]);
}

// h = s(h) for `count` numbers.
template <int kBytes, class Number>
OPTDNN_INLINE void activate_in_place(SmallActivation activation, Number* h, int64_t count) {
  if (activation == SmallActivation::tanh) {
    for_each_number<kBytes>(
        h, count, [](auto& z) __attribute__((always_inline)) { to_tanh(z); });
  } else if (activation == SmallActivation::sigmoid) {
    for_each_number<kBytes>(
        h, count, [](auto& z) __attribute__((always_inline)) {
          z = Number(0.5) * z;
          to_tanh(z);
          z = Number(0.5) + Number(0.5) * z;
        });
  } else {
    for (int64_t i = 0; i < count; ++i) h[i] = h[i] < 0 ? Number(0) : h[i];
  }
}

// d = d s'(z) from h = s(z).
template <class Number>
OPTDNN_INLINE void times_slope(SmallActivation activation, const Number* h, Number* d, int64_t count) {
  if (activation == SmallActivation::tanh) {
    for (int64_t i = 0; i < count; ++i) d[i] *= Number(1) - h[i] * h[i];
  } else if (activation == SmallActivation::sigmoid) {
    for (int64_t i = 0; i < count; ++i) d[i] *= h[i] * (Number(1) - h[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) d[i] = h[i] > 0 ? d[i] : Number(0);
  }
}

// Shapes: x_DN -> y_DN; h_HN is kept for the backward pass.
template <int kBytes, class Number>
OPTDNN_INLINE void two_layer(const TwoLayerSizes& s, const TwoLayerPointers<const Number>& w, const Number* x_DN,
                             Number* h_HN, Number* y_DN) {
  multiply<false>(w.W1, s.D, int64_t{1}, w.b1, x_DN, h_HN, s.H, s.D, s.N);
  activate_in_place<kBytes>(s.activation, h_HN, s.H * s.N);
  multiply<false>(w.W2, s.H, int64_t{1}, w.b2, h_HN, y_DN, s.D, s.H, s.N);
}

// Adds to dx_DN and to the weights' gradients d; dz_HN is room to work in. before_HN are the hidden values that the
// next call will want, or null: long evicted, they are fetched meanwhile.
template <int kBytes, class Number>
OPTDNN_INLINE void two_layer_backward(const TwoLayerSizes& s, const TwoLayerPointers<const Number>& w,
                                      const Number* x_DN, const Number* h_HN, const Number* before_HN,
                                      const Number* dy_DN, Number* dz_HN, Number* dx_DN,
                                      const TwoLayerPointers<Number>& d) {
  for (int64_t h = 0; h < s.H; ++h) {
    if (before_HN) prefetch(before_HN + h * s.N, s.N);
    multiply<false>(w.W2 + h, int64_t{1}, s.H, static_cast<const Number*>(nullptr), dy_DN, dz_HN + h * s.N, int64_t{1},
                    s.D, s.N);
  }
  add_outer<kBytes>(dy_DN, h_HN, d.W2, d.b2, s.D, s.H, s.N);
  times_slope(s.activation, h_HN, dz_HN, s.H * s.N);
  add_outer<kBytes>(dz_HN, x_DN, d.W1, d.b1, s.H, s.D, s.N);
  multiply<true>(w.W1, int64_t{1}, s.D, static_cast<const Number*>(nullptr), dz_HN, dx_DN, s.D, s.H, s.N);
}

}  // namespace optdnn::kernels
