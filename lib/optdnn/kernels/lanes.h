// Vectors of floats as wide as the file that includes this is compiled for: 16 lanes with AVX-512, 8 with AVX2 or where
// OPTDNN_EIGHT_LANES is defined. All is in an anonymous namespace, and nothing of the standard library is called, so
// that the copies of files compiled for different processors never meet in the linker.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "optdnn/base/processor.h"

namespace optdnn::kernels {
namespace {

#if defined(__AVX512F__) && !defined(OPTDNN_EIGHT_LANES)
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif
#if defined(__AVX512F__)
constexpr int kAccumulators = 24;  // of 32 registers; the rest hold what is multiplied
#else
constexpr int kAccumulators = 12;  // of 16
#endif

typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
typedef float LanesAnywhere __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias));

OPTDNN_INLINE Lanes load(const float* from) { return *reinterpret_cast<const LanesAnywhere*>(from); }
OPTDNN_INLINE void store(float* to, Lanes value) { *reinterpret_cast<LanesAnywhere*>(to) = value; }

#if defined(__AVX2__)
OPTDNN_INLINE __m256i first_lanes(int count) {
  alignas(32) static constexpr int32_t kOnes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOnes + 8 - count));
}
#endif

// The first `count` lanes, the others zero and their memory untouched; all of them where kWhole.
template <bool kWhole>
OPTDNN_INLINE Lanes load_first(const float* from, int count) {
  if constexpr (kWhole) return load(from);
#if defined(__AVX512F__) && !defined(OPTDNN_EIGHT_LANES)
  return (Lanes)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from);
#elif defined(__AVX2__)
  return (Lanes)_mm256_maskload_ps(from, first_lanes(count));
#else
  Lanes value = {};
  std::memcpy(&value, from, sizeof(float) * count);
  return value;
#endif
}

template <bool kWhole>
OPTDNN_INLINE void store_first(float* to, Lanes value, int count) {
  if constexpr (kWhole) {
    store(to, value);
  } else {
#if defined(__AVX512F__) && !defined(OPTDNN_EIGHT_LANES)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), (__m512)value);
#elif defined(__AVX2__)
    _mm256_maskstore_ps(to, first_lanes(count), (__m256)value);
#else
    std::memcpy(to, &value, sizeof(float) * count);
#endif
  }
}

// max(x, 0), where NaN stays NaN.
OPTDNN_INLINE Lanes relu(Lanes x) {
#if defined(__AVX512F__) && !defined(OPTDNN_EIGHT_LANES)
  return (Lanes)_mm512_maskz_max_ps(static_cast<__mmask16>(-1), _mm512_setzero_ps(), (__m512)x);
#elif defined(__AVX2__)
  return (Lanes)_mm256_max_ps(_mm256_setzero_ps(), (__m256)x);
#else
  return x < 0 ? Lanes{} : x;
#endif
}

// Leaves a number that was loaded in its register: compilers would rather load it again for each of its products.
OPTDNN_INLINE void keep([[maybe_unused]] Lanes& value) {
#if defined(__AVX2__)
  asm("" : "+v"(value));
#endif
}

constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Memory asked for in slices while other work goes on, so that its latency hides behind that.
struct Ahead {
  const float* begin = nullptr;
  int64_t bytes = 0;

  template <bool kToWrite>
  OPTDNN_INLINE void slice(int64_t index, int64_t of) const {
    const auto* place = reinterpret_cast<const char*>(begin);
    const int64_t from = bytes * index / of & ~int64_t{63}, to = bytes * (index + 1) / of & ~int64_t{63};
    for (int64_t i = from; i < to; i += 64) __builtin_prefetch(place + i, kToWrite ? 1 : 0, kToWrite ? 3 : 2);
  }
};

}  // namespace
}  // namespace optdnn::kernels
