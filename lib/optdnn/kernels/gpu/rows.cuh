// Rows of channels that lie innermost, shared out among threads: each takes kWidth channels, read and written as one
// vector, of every so-many-th row. Sums over rows have a fixed order and no atomics: threads, then blocks, of which the
// last one to arrive adds up what all have left.
#pragma once

#include "optdnn/kernels/gpu/rows.h"

namespace optdnn::kernels::gpu {

template <class Number, int kWidth>
struct alignas(sizeof(Number) * kWidth) Vector {
  Number numbers[kWidth];
};

template <int kWidth, class Number>
DEVICE void read(const Number* from, float (&to)[kWidth]) {
  const auto vector = *reinterpret_cast<const Vector<Number, kWidth>*>(from);
  UNROLLED
  for (int i = 0; i < kWidth; ++i) to[i] = widen(vector.numbers[i]);
}

template <int kWidth, class Number>
DEVICE void write(const float (&from)[kWidth], Number* to) {
  Vector<Number, kWidth> vector;
  UNROLLED
  for (int i = 0; i < kWidth; ++i) narrow(from[i], vector.numbers[i]);
  *reinterpret_cast<Vector<Number, kWidth>*>(to) = vector;
}

// What is left of a number that is written and read again.
template <class Number>
DEVICE float rounded(float wide) {
  Number number;
  narrow(wide, number);
  return widen(number);
}

// A thread's place: its channels, and which of the rows that are worked on at a time.
template <int kWidth>
struct Lane {
  DEVICE explicit Lane(const Rows& of)
      : lanes(of.lanes),
        lane(thread() % of.lanes),
        slot(thread() / of.lanes),
        slots(threads() / of.lanes),
        channel((part() * of.lanes + lane) * kWidth),
        active(slot < slots && channel < of.channels) {}
  int lanes, lane, slot, slots, channel;
  bool active;
};

// Calls each(where the thread's channels of a row begin).
template <int kWidth, class Each>
DEVICE void for_each_row(const Rows& of, const Lane<kWidth>& lane, Each each) {
  if (!lane.active) return;
  UNROLLED_BY_4
  for (int row = block() * lane.slots + lane.slot; row < of.rows; row += blocks() * lane.slots) {
    each(static_cast<long long>(row) * of.channels + lane.channel);
  }
}

// The sums of a lane's slots, in slot 0.
template <int kCount, int kWidth>
DEVICE void add_slots(float (&sums)[kCount], const Lane<kWidth>& lane) {
  float* shared = shared_memory();
  for (int left = lane.slots; left > 1;) {
    const int kept = (left + 1) / 2;
    if (lane.slot >= kept && lane.slot < left) {
      UNROLLED
      for (int k = 0; k < kCount; ++k) shared[k * threads() + thread()] = sums[k];
    }
    sync();
    if (lane.slot + kept < left) {
      UNROLLED
      for (int k = 0; k < kCount; ++k) sums[k] += shared[k * threads() + thread() + kept * lane.lanes];
    }
    sync();
    left = kept;
  }
}

// The sums of all blocks of a part: true in the threads that have them, one for each of the part's channels.
template <int kCount, int kWidth>
DEVICE bool add_up(float (&sums)[kCount], const Lane<kWidth>& lane, const Totals& totals) {
  add_slots(sums, lane);
  const int of_block = kCount * lane.lanes;
  float* partial = totals.partial + static_cast<long long>(part()) * totals.blocks * of_block;
  if (lane.slot == 0) {
    const int here = totals.before + block();
    UNROLLED
    for (int k = 0; k < kCount; ++k) partial[here * of_block + k * lane.lanes + lane.lane] = sums[k];
  }
  fence();
  sync();
  int* last = reinterpret_cast<int*>(shared_memory());
  if (thread() == 0) *last = add_to(totals.arrived + part(), 1) == totals.blocks - 1;
  sync();
  if (*last == 0) return false;
  fence();
  UNROLLED
  for (int k = 0; k < kCount; ++k) sums[k] = 0.0f;
  if (lane.slot < lane.slots) {
    const volatile float* left = partial + lane.lane;  // by other blocks
    for (int b = lane.slot; b < totals.blocks; b += lane.slots) {
      UNROLLED
      for (int k = 0; k < kCount; ++k) sums[k] += left[b * of_block + k * lane.lanes];
    }
  }
  sync();
  add_slots(sums, lane);
  if (thread() == 0) totals.arrived[part()] = 0;
  return lane.slot == 0 && lane.active;
}

}  // namespace optdnn::kernels::gpu
