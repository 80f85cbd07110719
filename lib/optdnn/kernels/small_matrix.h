// Loops over many samples that lie innermost, for layers of a few rows and columns: in_KN is K rows of N samples. All
// are inlined into their caller, so that they take on the processor the caller is compiled for. Plain pointers, no
// checks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "optdnn/base/processor.h"

namespace optdnn::kernels {

constexpr int64_t kSampleBlock = 256;  // samples whose rows stay in the first-level cache

// Calls body(begin, std::integral_constant<int, C>) for C = 4, 4, ... and the rest: one pass reads so many rows.
template <class Body>
OPTDNN_INLINE void in_fours(int64_t count, Body body) {
  int64_t k = 0;
  for (; k + 4 <= count; k += 4) body(k, std::integral_constant<int, 4>());
  if (count - k == 3) body(k, std::integral_constant<int, 3>());
  if (count - k == 2) body(k, std::integral_constant<int, 2>());
  if (count - k == 1) body(k, std::integral_constant<int, 1>());
}

// out_N = start + sum_c weights[c] sources[c]_N, with out itself in the place of start where `kAdds`.
template <bool kAdds, int C, class Number>
OPTDNN_INLINE void weighted_rows(Number start, const Number* weights, const Number* const* sources,
                                 Number* __restrict out, int64_t N) {
  Number w[C];
  const Number* s[C];
  for (int c = 0; c < C; ++c) w[c] = weights[c], s[c] = sources[c];
  for (int64_t n = 0; n < N; ++n) {
    Number sum = kAdds ? out[n] : start;
    for (int c = 0; c < C; ++c) sum += w[c] * s[c][n];
    out[n] = sum;
  }
}

// out_N (+)= start + the sum over `count` terms; term(i, weight, source) tells the i-th.
template <bool kAdds, class Number, class Term>
OPTDNN_INLINE void weighted_sum(int64_t count, Number start, Term term, Number* out, int64_t N) {
  in_fours(
      count, [&](int64_t first, auto at_once) __attribute__((always_inline)) {
        constexpr int C = decltype(at_once)::value;
        Number weights[C];
        const Number* sources[C];
        for (int c = 0; c < C; ++c) term(first + c, weights[c], sources[c]);
        if (kAdds || first > 0) {
          weighted_rows<true, C>(Number(0), weights, sources, out, N);
        } else {
          weighted_rows<false, C>(start, weights, sources, out, N);
        }
      });
}

// out_MN (+)= W_MK in_KN + b_M; the element (m, k) of W is W[m row_stride + k column_stride]. No bias where b is null.
template <bool kAdds, class Number>
OPTDNN_INLINE void multiply(const Number* W, int64_t row_stride, int64_t column_stride, const Number* b,
                            const Number* in, Number* out, int64_t M, int64_t K, int64_t N) {
  for (int64_t begin = 0; begin < N; begin += kSampleBlock) {
    const int64_t count = std::min(kSampleBlock, N - begin);
    for (int64_t m = 0; m < M; ++m) {
      const auto term = [&](int64_t k, Number & weight, const Number*& source) __attribute__((always_inline)) {
        weight = W[m * row_stride + k * column_stride];
        source = in + k * N + begin;
      };
      weighted_sum<kAdds>(K, b ? b[m] : Number(0), term, out + m * N + begin, count);
    }
  }
}

// Asks for numbers that will be read soon.
template <class Number>
OPTDNN_INLINE void prefetch(const Number* numbers, int64_t count) {
  for (int64_t i = 0; i < count; i += 64 / static_cast<int64_t>(sizeof(Number))) __builtin_prefetch(numbers + i);
}

// Asks for the beginning of a block that is worked on next: what the processor fetches ahead by itself ends with a
// page.
template <class Number>
OPTDNN_INLINE void prefetch_block(const Number* begin) {
  constexpr int kBytes = 512, kLine = 64;
  for (int i = 0; i < kBytes; i += kLine) __builtin_prefetch(reinterpret_cast<const char*>(begin) + i, 0, 2);
}

// Numbers side by side that are added up lane by lane: one order of summation, whatever the processor's width.
template <class Number>
constexpr int64_t kLanesOfSums = 64 / sizeof(Number);

// Those lanes, in vectors of kBytes.
template <int kBytes, class Number>
struct Wide {
  typedef Number Part __attribute__((vector_size(kBytes), aligned(alignof(Number)), may_alias));
  static constexpr int64_t kOfPart = kBytes / sizeof(Number), kParts = 64 / kBytes;

  static OPTDNN_INLINE const Part& at(const Number* numbers) { return *reinterpret_cast<const Part*>(numbers); }
  static OPTDNN_INLINE Part& at(Number* numbers) { return *reinterpret_cast<Part*>(numbers); }
  static OPTDNN_INLINE Number sum(const Part* parts) {
    Number sum = 0;
    for (int64_t i = 0; i < kParts * kOfPart; ++i) sum += parts[i / kOfPart][i % kOfPart];
    return sum;
  }
};

// sums[c] += sum_n a_n rows_cn, with rows `stride` apart.
template <int kBytes, int C, class Number>
OPTDNN_INLINE void dots(const Number* a, const Number* rows, int64_t stride, int64_t N, Number* sums) {
  using W = Wide<kBytes, Number>;
  typename W::Part parts[C][W::kParts] = {};
  int64_t n = 0;
  for (; n + kLanesOfSums<Number> <= N; n += kLanesOfSums<Number>) {
    for (int c = 0; c < C; ++c) {
      for (int64_t p = 0; p < W::kParts; ++p) {
        const int64_t i = n + p * W::kOfPart;
        parts[c][p] += W::at(a + i) * W::at(rows + c * stride + i);
      }
    }
  }
  for (int c = 0; c < C; ++c) {
    Number sum = W::sum(parts[c]);
    for (int64_t rest = n; rest < N; ++rest) sum += a[rest] * rows[c * stride + rest];
    sums[c] += sum;
  }
}

template <int kBytes, class Number>
OPTDNN_INLINE Number sum_of(const Number* a, int64_t N) {
  using W = Wide<kBytes, Number>;
  typename W::Part parts[W::kParts] = {};
  int64_t n = 0;
  for (; n + kLanesOfSums<Number> <= N; n += kLanesOfSums<Number>) {
    for (int64_t p = 0; p < W::kParts; ++p) parts[p] += W::at(a + n + p * W::kOfPart);
  }
  Number sum = W::sum(parts);
  for (; n < N; ++n) sum += a[n];
  return sum;
}

// W_MK += left_MN right_KN^T and b_M += the sums of left's rows.
template <int kBytes, class Number>
OPTDNN_INLINE void add_outer(const Number* left, const Number* right, Number* W, Number* b, int64_t M, int64_t K,
                             int64_t N) {
  for (int64_t begin = 0; begin < N; begin += kSampleBlock) {
    const int64_t count = std::min(kSampleBlock, N - begin);
    for (int64_t m = 0; m < M; ++m) {
      const Number* a = left + m * N + begin;
      in_fours(
          K, [&](int64_t k, auto rows) __attribute__((always_inline)) {
            dots<kBytes, decltype(rows)::value>(a, right + k * N + begin, N, count, W + m * K + k);
          });
      b[m] += sum_of<kBytes>(a, count);
    }
  }
}

// x becomes tanh(x) to a relative error of 4e-7, as x P(x^2) / Q(x^2) on [-8, 8], beyond which it is 1 to that error. P
// and Q are the minimax fit of degrees 4 and 4. NaN stays NaN. Floats is float or a vector of them: GCC makes no
// vectors of a loop over floats for AVX2, as it would rather branch where numbers are compared.
template <class Floats>
OPTDNN_INLINE void to_tanh(Floats& x) {
  const Floats most = Floats{} + 8.0f, above = x > most ? most : x, y = above < -most ? -most : above, t = y * y;
  const Floats P =
      ((((1.52305507e-08f * t + 2.18947554e-05f) * t + 3.57160363e-03f) * t + 1.34445027e-01f) * t + 9.99999994e-01f);
  const Floats Q = ((((8.52250025e-07f * t + 3.41130123e-04f) * t + 2.61644642e-02f) * t + 4.67778300e-01f) * t + 1.0f);
  x = y * P / Q;
}
OPTDNN_INLINE void to_tanh(double& x) { x = std::tanh(x); }

}  // namespace optdnn::kernels
