// The one-dimensional transforms of Winograd's minimal filtering F(m, 3): m outputs y of the numbers d under a filter
// g,
//   y = A^T [(G g) . (B^T d)],  m + 2 products in the place of 3 m.
// They evaluate polynomials at points, multiply there and interpolate; one point is infinity. Each transform comes as
// two halves of its rows without common arithmetic, so that a two-dimensional one keeps half of what lies between its
// two passes in registers.
// Source: Lavin, Gray 2016, arXiv 1509.09308. Choice: F(4, 3) at 0, +-1/sqrt 2, +-sqrt 2 instead of 0, +-1, +-2: half
// the rounding error at the same cost (points near 1 in modulus, cf. Barabasz et al. 2020, arXiv 1803.10986).
#pragma once

#include "optdnn/kernels/lanes.h"

namespace optdnn::kernels {
namespace {

// F(2, 3) at 0, 1, -1, infinity.
struct Tile2 {
  static constexpr int kOutputs = 2, kPoints = 4, kHalfPoints = 2, kHalfOutputs = 1;

  // Rows 2h, 2h + 1 of B^T d. Half h of this and of the output's transform reads the numbers h to h + kPoints - 2.
  template <int h>
  static OPTDNN_INLINE void input(const Lanes* d, Lanes* out) {
    if constexpr (h == 0) {
      out[0] = d[0] - d[2];
      out[1] = d[1] + d[2];
    } else {
      out[0] = d[2] - d[1];
      out[1] = d[1] - d[3];
    }
  }
  // Of A^T q: row h.
  template <int h>
  static OPTDNN_INLINE void output(const Lanes* q, Lanes* out) {
    out[0] = h == 0 ? q[0] + q[1] + q[2] : q[1] - q[2] - q[3];
  }
  static constexpr int output_row(int h, int /*i*/) { return h; }
  // Rows 2h, 2h + 1 of A y: the transpose of the output's transform.
  template <int h>
  static OPTDNN_INLINE void gradient(const Lanes* y, Lanes* out) {
    if constexpr (h == 0) {
      out[0] = y[0];
      out[1] = y[0] + y[1];
    } else {
      out[0] = y[0] - y[1];
      out[1] = -y[1];
    }
  }

  static OPTDNN_INLINE void filter(const Lanes* g, Lanes* out) {  // G g
    const Lanes even = 0.5F * (g[0] + g[2]), odd = 0.5F * g[1];
    out[0] = g[0];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = g[2];
  }
  static OPTDNN_INLINE void filter_gradient(const Lanes* u, Lanes* out) {  // G^T u
    const Lanes even = 0.5F * (u[1] + u[2]);
    out[0] = u[0] + even;
    out[1] = 0.5F * (u[1] - u[2]);
    out[2] = even + u[3];
  }
};

// F(4, 3) at 0, +-a, +-b, infinity.
struct Tile4 {
  static constexpr int kOutputs = 4, kPoints = 6, kHalfPoints = 3, kHalfOutputs = 2;
  static constexpr double a = 0.70710678118654752440, b = 1.41421356237309504880;
  static constexpr float a1 = a, b1 = b, a2 = a * a, b2 = b * b, a3 = a * a * a, b3 = b * b * b;
  static constexpr float kSum = a * a + b * b, kProduct = a * a * b * b;

  // Rows 3h, 3h + 1, 3h + 2.
  template <int h>
  static OPTDNN_INLINE void input(const Lanes* d, Lanes* out) {
    if constexpr (h == 0) {
      const Lanes even = d[4] - b2 * d[2], odd = d[3] - b2 * d[1];
      out[0] = d[4] + (kProduct * d[0] - kSum * d[2]);
      out[1] = even + a1 * odd;
      out[2] = even - a1 * odd;
    } else {
      const Lanes even = d[4] - a2 * d[2], odd = d[3] - a2 * d[1];
      out[0] = even + b1 * odd;
      out[1] = even - b1 * odd;
      out[2] = d[5] + (kProduct * d[1] - kSum * d[3]);
    }
  }
  // Rows 0 and 2, or 1 and 3.
  template <int h>
  static OPTDNN_INLINE void output(const Lanes* q, Lanes* out) {
    if constexpr (h == 0) {
      const Lanes at_a = q[1] + q[2], at_b = q[3] + q[4];
      out[0] = q[0] + at_a + at_b;
      out[1] = a2 * at_a + b2 * at_b;
    } else {
      const Lanes at_a = q[1] - q[2], at_b = q[3] - q[4];
      out[0] = a1 * at_a + b1 * at_b;
      out[1] = q[5] + a3 * at_a + b3 * at_b;
    }
  }
  static constexpr int output_row(int h, int i) { return 2 * i + h; }
  template <int h>
  static OPTDNN_INLINE void gradient(const Lanes* y, Lanes* out) {
    if constexpr (h == 0) {
      const Lanes even = y[0] + a2 * y[2], odd = y[1] + a2 * y[3];
      out[0] = y[0];
      out[1] = even + a1 * odd;
      out[2] = even - a1 * odd;
    } else {
      const Lanes even = y[0] + b2 * y[2], odd = y[1] + b2 * y[3];
      out[0] = even + b1 * odd;
      out[1] = even - b1 * odd;
      out[2] = y[3];
    }
  }
  static constexpr float kAtZero = 1 / (a * a * b * b);
  static constexpr float kAtA = 1 / (2 * a * a * (a * a - b * b)), kAtB = 1 / (2 * b * b * (b * b - a * a));
  static constexpr float kAtA1 = kAtA * a, kAtA2 = kAtA * a * a, kAtB1 = kAtB * b, kAtB2 = kAtB * b * b;

  static OPTDNN_INLINE void filter(const Lanes* g, Lanes* out) {
    const Lanes even_a = kAtA * g[0] + kAtA2 * g[2], odd_a = kAtA1 * g[1];
    const Lanes even_b = kAtB * g[0] + kAtB2 * g[2], odd_b = kAtB1 * g[1];
    out[0] = kAtZero * g[0];
    out[1] = even_a + odd_a;
    out[2] = even_a - odd_a;
    out[3] = even_b + odd_b;
    out[4] = even_b - odd_b;
    out[5] = g[2];
  }
  static OPTDNN_INLINE void filter_gradient(const Lanes* u, Lanes* out) {
    const Lanes even_a = u[1] + u[2], odd_a = u[1] - u[2], even_b = u[3] + u[4], odd_b = u[3] - u[4];
    out[0] = kAtZero * u[0] + kAtA * even_a + kAtB * even_b;
    out[1] = kAtA1 * odd_a + kAtB1 * odd_b;
    out[2] = u[5] + kAtA2 * even_a + kAtB2 * even_b;
  }
};

}  // namespace
}  // namespace optdnn::kernels
