// The words of kernels/gpu/words.cuh on a CPU: a block's threads are threads of the CPU, or one loop where a block has
// one thread, and blocks run in turn. Before the kernels themselves (emulated_kernels.cpp).
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>

#define DEVICE inline
#define KERNEL inline void
#define UNROLLED
#define UNROLLED_BY_4

namespace optdnn::kernels::gpu {

using Half = c10::Half;
using BFloat16 = c10::BFloat16;

// Where a thread stands.
struct Place {
  int thread = 0, threads = 1, block = 0, blocks = 1, part = 0;
  float *shared = nullptr, *across = nullptr;  // of a block; a number of each of its threads
  std::barrier<>* barrier = nullptr;           // of several threads
};
inline thread_local Place place;

inline int thread() { return place.thread; }
inline int threads() { return place.threads; }
inline int block() { return place.block; }
inline int blocks() { return place.blocks; }
inline int part() { return place.part; }
inline float* shared_memory() { return place.shared; }
inline void sync() {
  if (place.barrier) place.barrier->arrive_and_wait();
}
inline void fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline int add_to(int* number, int more) { return std::atomic_ref(*number).fetch_add(more); }
inline float add_across(float x, int lanes) {
  if (lanes == 1) return x;
  place.across[place.thread] = x;
  sync();
  const int first = place.thread / lanes * lanes, end = std::min(first + lanes, place.threads);
  float sum = 0.0f;
  for (int thread = first; thread < end; ++thread) sum += place.across[thread];
  sync();
  return sum;
}

template <int kCount>
void read_fresh(const float* from, float (&to)[kCount]) {
  std::copy_n(from, kCount, to);
}

inline float inverse_root(float x) { return 1.0f / std::sqrt(x); }
inline float root(float x) { return std::sqrt(x); }
inline float exp_minus_one(float x) { return std::expm1(x); }
inline bool is_finite(float x) { return std::isfinite(x); }

template <class Number>
float widen(Number number) {
  return static_cast<float>(number);
}
template <class Number>
void narrow(float wide, Number& number) {
  number = static_cast<Number>(wide);
}

}  // namespace optdnn::kernels::gpu
