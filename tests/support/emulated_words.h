// The words of kernels/gpu/words.cuh on a CPU: a block's threads are those of emulated_threads.h, and blocks run in
// turn. Before the kernels themselves (emulated_kernels.cpp).
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>

#include "support/emulated_threads.h"

#define DEVICE inline
#define KERNEL inline void
#define KERNEL_OF(threads, blocks) inline void
#define UNROLLED
#define UNROLLED_BY_4
#define UNROLLED_BY_8

namespace optdnn::kernels::gpu {

using Half = c10::Half;
using BFloat16 = c10::BFloat16;
using tests::Barrier;

// Threads that hold small matrices together, and what they show one another.
struct Warp {
  Barrier barrier{32};
  const void* rows[32];
  unsigned left[32][4], right[32][2];
};

// Where a thread stands.
struct Place {
  int thread = 0, threads = 1, block = 0, blocks = 1, part = 0;
  float *shared = nullptr, *across = nullptr;  // of a block; a number of each of its threads
  Barrier* barrier = nullptr;                  // of several threads
  Warp* warp = nullptr;                        // of 32
};
inline thread_local Place place;

inline void wait_at(Barrier& barrier) {
  const Place here = place;  // which those that go on meanwhile replace
  barrier.arrive_and_wait();
  place = here;
}

inline void begin_kernel() {}

inline int thread() { return place.thread; }
inline int threads() { return place.threads; }
inline int block() { return place.block; }
inline int blocks() { return place.blocks; }
inline int part() { return place.part; }
inline float* shared_memory() { return place.shared; }
inline void sync() {
  if (place.barrier) wait_at(*place.barrier);
}
inline void sync_warp() {  // no more than those of a warp, as a GPU has it
  place.warp ? wait_at(place.warp->barrier) : sync();
}
inline void fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline int add_to(int* number, int more) { return std::atomic_ref(*number).fetch_add(more); }
inline void begin_copy(void* to, const void* from, bool is_there) {
  if (is_there) std::memcpy(to, from, 16);
  if (!is_there) std::memset(to, 0, 16);
}
inline void wait_for_copies() {}
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

// Two neighbours of a row, or of a column.
inline void load_pairs(const void* row, unsigned (&to)[4], bool turned) {
  Warp& warp = *place.warp;
  const int lane = place.thread % 32, across = lane / 4, along = lane % 4 * 2;
  warp.rows[lane] = row;
  wait_at(warp.barrier);
  for (int matrix = 0; matrix < 4; ++matrix) {
    const auto at = [&](int r, int c) { return static_cast<const uint16_t*>(warp.rows[matrix * 8 + r])[c]; };
    const unsigned first = turned ? at(along, across) : at(across, along);
    const unsigned second = turned ? at(along + 1, across) : at(across, along + 1);
    to[matrix] = first | second << 16;
  }
  wait_at(warp.barrier);
}
inline void load_matrices(const void* row, unsigned (&to)[4]) { load_pairs(row, to, false); }
inline void load_matrices_turned(const void* row, unsigned (&to)[4]) { load_pairs(row, to, true); }

template <class Number>
float number_of_pair(unsigned pair, int which) {
  return static_cast<float>(std::bit_cast<Number>(static_cast<uint16_t>(pair >> (16 * which))));
}

template <class Number>
void multiply_add(const unsigned (&left)[4], unsigned right_0, unsigned right_1, float (&sums)[4]) {
  Warp& warp = *place.warp;
  const int lane = place.thread % 32;
  std::copy(std::begin(left), std::end(left), warp.left[lane]);
  warp.right[lane][0] = right_0;
  warp.right[lane][1] = right_1;
  wait_at(warp.barrier);
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4 + 8 * (i / 2), column = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 16; ++k) {
      const int holder = k % 8 / 2;  // of its four lanes
      sums[i] += number_of_pair<Number>(warp.left[row % 8 * 4 + holder][row / 8 + 2 * (k / 8)], k % 2) *
                 number_of_pair<Number>(warp.right[column * 4 + holder][k / 8], k % 2);
    }
  }
  wait_at(warp.barrier);
}

inline float inverse_root(float x) { return 1.0f / std::sqrt(x); }
inline float root(float x) { return std::sqrt(x); }
inline float exp_minus_one(float x) { return std::expm1(x); }
inline float hyperbolic_tangent(float x) { return std::tanh(x); }
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
