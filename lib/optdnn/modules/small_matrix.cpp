#include "optdnn/modules/small_matrix.h"

#include <algorithm>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define OPTDNN_EACH_PROCESSOR __attribute__((target_clones("arch=haswell", "arch=skylake-avx512", "default")))
#else
#define OPTDNN_EACH_PROCESSOR
#endif

namespace optdnn::modules {

namespace {

constexpr int64_t kBlock = 256;  // samples whose rows stay in the first-level cache

// The clones are of functions with one type each: the attribute does not reach through a template's instantiations.
template <class Number>
inline __attribute__((always_inline)) void multiply_loop(const Number* W, int64_t row_stride, int64_t column_stride,
                                                         const Number* b, const Number* in, Number* out, int64_t M,
                                                         int64_t K, int64_t N) {
  for (int64_t begin = 0; begin < N; begin += kBlock) {
    const int64_t count = std::min(kBlock, N - begin);
    for (int64_t m = 0; m < M; ++m) {
      Number* __restrict row = out + m * N + begin;
      const Number start = b ? b[m] : Number(0);
      for (int64_t n = 0; n < count; ++n) row[n] = start;
      for (int64_t k = 0; k < K; ++k) {
        const Number weight = W[m * row_stride + k * column_stride];
        const Number* __restrict source = in + k * N + begin;
        for (int64_t n = 0; n < count; ++n) row[n] += weight * source[n];
      }
    }
  }
}

template <class Number>
inline __attribute__((always_inline)) void outer_loop(const Number* left, const Number* right, Number* W, Number* b,
                                                      int64_t M, int64_t K, int64_t N) {
  for (int64_t begin = 0; begin < N; begin += kBlock) {
    const int64_t count = std::min(kBlock, N - begin);
    for (int64_t m = 0; m < M; ++m) {
      const Number* __restrict a = left + m * N + begin;
      for (int64_t k = 0; k < K; ++k) {
        const Number* __restrict c = right + k * N + begin;
        Number sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t n = 0; n < count; ++n) sum += a[n] * c[n];
        W[m * K + k] += sum;
      }
      if (!b) continue;
      Number sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t n = 0; n < count; ++n) sum += a[n];
      b[m] += sum;
    }
  }
}

OPTDNN_EACH_PROCESSOR void multiply_32(const float* W, int64_t rows, int64_t columns, const float* b, const float* in,
                                       float* out, int64_t M, int64_t K, int64_t N) {
  multiply_loop(W, rows, columns, b, in, out, M, K, N);
}
OPTDNN_EACH_PROCESSOR void multiply_64(const double* W, int64_t rows, int64_t columns, const double* b,
                                       const double* in, double* out, int64_t M, int64_t K, int64_t N) {
  multiply_loop(W, rows, columns, b, in, out, M, K, N);
}
OPTDNN_EACH_PROCESSOR void outer_32(const float* left, const float* right, float* W, float* b, int64_t M, int64_t K,
                                    int64_t N) {
  outer_loop(left, right, W, b, M, K, N);
}
OPTDNN_EACH_PROCESSOR void outer_64(const double* left, const double* right, double* W, double* b, int64_t M, int64_t K,
                                    int64_t N) {
  outer_loop(left, right, W, b, M, K, N);
}

}  // namespace

template <>
void multiply(const float* W, int64_t rows, int64_t columns, const float* b, const float* in, float* out, int64_t M,
              int64_t K, int64_t N) {
  multiply_32(W, rows, columns, b, in, out, M, K, N);
}
template <>
void multiply(const double* W, int64_t rows, int64_t columns, const double* b, const double* in, double* out, int64_t M,
              int64_t K, int64_t N) {
  multiply_64(W, rows, columns, b, in, out, M, K, N);
}
template <>
void accumulate_outer(const float* left, const float* right, float* W, float* b, int64_t M, int64_t K, int64_t N) {
  outer_32(left, right, W, b, M, K, N);
}
template <>
void accumulate_outer(const double* left, const double* right, double* W, double* b, int64_t M, int64_t K, int64_t N) {
  outer_64(left, right, W, b, M, K, N);
}

}  // namespace optdnn::modules
