// Rows of channels that lie innermost, shared out among threads: each takes kWidth channels, read and written as one
// vector, of every so-many-th row, several of them before it waits. Sums over rows have a fixed order and no atomics:
// threads, then blocks.
#pragma once

#include "optdnn/kernels/gpu/rows.h"

namespace optdnn::kernels::gpu {

constexpr int kRowsAtOnce = 4;  // that a thread reads before it waits

template <class Number, int kWidth>
struct alignas(sizeof(Number) * kWidth) Vector {
  Number numbers[kWidth];
};

template <class Number, int kWidth>
DEVICE void load(const void* from, long long at, Vector<Number, kWidth>& to) {
  to = *reinterpret_cast<const Vector<Number, kWidth>*>(static_cast<const Number*>(from) + at);
}

template <class Number, int kWidth>
DEVICE void widen(const Vector<Number, kWidth>& from, float (&to)[kWidth]) {
  UNROLLED
  for (int i = 0; i < kWidth; ++i) to[i] = widen(from.numbers[i]);
}

template <int kWidth, class Number>
DEVICE void read(const Number* from, float (&to)[kWidth]) {
  Vector<Number, kWidth> vector;
  load(from, 0, vector);
  widen(vector, to);
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
        channels(of.channels),
        active(slot < slots && channel < of.channels) {}
  int lanes, lane, slot, slots, channel, channels;
  bool active;
};

// Calls each(where the thread's channels of kRows rows begin, how many of these rows there are), so that all are read
// before one is waited for. Those that there are not are the last row again.
template <int kRows, int kWidth, class Each>
DEVICE void for_each_rows(const Rows& of, const Lane<kWidth>& lane, Each each) {
  if (!lane.active) return;
  const int step = blocks() * lane.slots;
  for (int row = block() * lane.slots + lane.slot; row < of.rows; row += kRows * step) {
    long long at[kRows];
    int count = 0;
    UNROLLED
    for (int r = 0; r < kRows; ++r) {
      const int next = row + r * step;
      at[r] = static_cast<long long>(next < of.rows ? next : of.rows - 1) * of.channels + lane.channel;
      count += next < of.rows ? 1 : 0;
    }
    each(at, count);
  }
}

// Calls each(where the thread's channels of a row begin, their numbers in each of the tensors).
template <class Number, int kWidth, int kTensors, class Each>
DEVICE void for_each_row(const Rows& of, const Lane<kWidth>& lane, const void* const (&tensors)[kTensors], Each each) {
  for_each_rows<kRowsAtOnce>(of, lane, [&](const long long(&at)[kRowsAtOnce], int count) {
    Vector<Number, kWidth> loaded[kRowsAtOnce][kTensors];
    UNROLLED
    for (int r = 0; r < kRowsAtOnce; ++r) {
      UNROLLED
      for (int t = 0; t < kTensors; ++t) load(tensors[t], at[r], loaded[r][t]);
    }
    UNROLLED
    for (int r = 0; r < kRowsAtOnce; ++r) {
      float numbers[kTensors][kWidth];
      UNROLLED
      for (int t = 0; t < kTensors; ++t) widen(loaded[r][t], numbers[t]);
      if (r < count) each(at[r], numbers);
    }
  });
}

// Calls each(row, where the thread's channels of it begin, their numbers in each of two tensors of different types).
template <class First, class Second, int kWidth, class Each>
DEVICE void for_each_pair(const Rows& of, const Lane<kWidth>& lane, const void* first, const void* second, Each each) {
  if (!lane.active) return;
  const int step = blocks() * lane.slots;
  for (int begin = block() * lane.slots + lane.slot; begin < of.rows; begin += kRowsAtOnce * step) {
    const auto at = [&](int row) {
      return static_cast<long long>(row < of.rows ? row : of.rows - 1) * of.channels + lane.channel;
    };
    Vector<First, kWidth> firsts[kRowsAtOnce];
    Vector<Second, kWidth> seconds[kRowsAtOnce];
    UNROLLED
    for (int r = 0; r < kRowsAtOnce; ++r) {
      load(first, at(begin + r * step), firsts[r]);
      load(second, at(begin + r * step), seconds[r]);
    }
    UNROLLED
    for (int r = 0; r < kRowsAtOnce; ++r) {
      const int row = begin + r * step;
      float of_first[kWidth], of_second[kWidth];
      widen(firsts[r], of_first);
      widen(seconds[r], of_second);
      if (row < of.rows) each(row, at(row), of_first, of_second);
    }
  }
}

// Adds from(i) for i = first, first + step ... below `end` to the sums; several are read before one is waited for.
template <int kCount, class From>
DEVICE void add_all(int first, int end, int step, float (&sums)[kCount], From from) {
  constexpr int kAtOnce = 8;
  for (int begin = first; begin < end; begin += kAtOnce * step) {
    float more[kAtOnce][kCount];
    UNROLLED
    for (int i = 0; i < kAtOnce; ++i) from(begin + i * step < end ? begin + i * step : end - 1, more[i]);
    UNROLLED
    for (int i = 0; i < kAtOnce; ++i) {
      UNROLLED
      for (int k = 0; k < kCount; ++k) sums[k] += begin + i * step < end ? more[i][k] : 0.0f;
    }
  }
}

// The sums of a part: kCount numbers for each lane, number k of lane l in column k * lanes + l. Each step is shared out
// among all threads.
template <int kCount, int kWidth>
struct Sums {
  DEVICE Sums(const Lane<kWidth>& of, const Totals& totals)
      : lane(of),
        columns(kCount * of.lanes),
        room(shared_memory() + kCount * (threads() + of.lanes)),
        partial(totals.partial + static_cast<long long>(part()) * totals.blocks * columns) {}

  // Adds up a block's threads: into segments of so many slots as there are threads for, then these.
  DEVICE void leave(const float (&sums)[kCount], int here) const {
    float* shared = shared_memory();
    const int stride = threads() + lane.lanes;  // so that the columns of neighbouring threads are in different banks
    UNROLLED
    for (int k = 0; k < kCount; ++k) shared[k * stride + thread()] = sums[k];
    sync();
    const int segments = lane.slots < kCount ? 1 : lane.slots / kCount;
    for (int i = lane.slot; lane.slot < lane.slots && i < segments * kCount; i += lane.slots) {
      const float* from = shared + i % kCount * stride + lane.lane;
      float sum[1] = {};
      add_all(i / kCount, lane.slots, segments, sum,
              [&](int slot, float(&more)[1]) { more[0] = from[slot * lane.lanes]; });
      room[i * lane.lanes + lane.lane] = sum[0];
    }
    sync();
    for (int column = thread(); column < columns; column += threads()) {
      partial[static_cast<long long>(here) * columns + column] = down(room, column, segments);
    }
  }

  // Adds up blocks, into rows of shared memory, of which there are so many as there are threads for.
  DEVICE int gather(int blocks) const {
    constexpr int kVector = kCount % 4 == 0 ? 4 : kCount % 2 == 0 ? 2 : 1, kVectors = kCount / kVector, kMostRows = 64;
    float* shared = shared_memory();
    int rows = lane.slots / kVectors;
    rows = rows < 1 ? 1 : rows > kMostRows ? kMostRows : rows;
    for (int i = lane.slot; lane.slot < lane.slots && i < rows * kVectors; i += lane.slots) {
      const int row = i / kVectors, column = (i % kVectors * lane.lanes + lane.lane) * kVector;
      float sums[kVector] = {};
      add_all(row, blocks, rows, sums, [&](int block, float(&more)[kVector]) {
        read_fresh(partial + static_cast<long long>(block) * columns + column, more);
      });
      write(sums, shared + row * columns + column);
    }
    sync();
    return rows;
  }

  // The sum of a column over rows of shared memory.
  DEVICE float down(const float* from, int column, int rows) const {
    float sum[1] = {};
    add_all(0, rows, 1, sum, [&](int row, float(&more)[1]) { more[0] = from[row * columns + column]; });
    return sum[0];
  }

  const Lane<kWidth>& lane;
  int columns;
  float *room, *partial;
};

// The sums of all blocks, which the last one to arrive adds up: one thread for each of the part's channels calls
// finish(channel, its sums).
template <int kCount, int kWidth, class Finish>
DEVICE void add_up(const float (&sums)[kCount], const Lane<kWidth>& lane, const Totals& totals, Finish finish) {
  const Sums<kCount, kWidth> all(lane, totals);
  all.leave(sums, totals.before + block());
  sync();
  int* last = reinterpret_cast<int*>(all.room);
  if (thread() == 0) {
    fence();
    *last = add_to(totals.arrived + part(), 1) == totals.blocks - 1;
    fence();
  }
  sync();
  if (*last == 0) return;
  if (thread() == 0) totals.arrived[part()] = 0;
  const int rows = all.gather(totals.blocks);
  for (int i = thread(); i < lane.lanes * kWidth; i += threads()) {
    const int channel = part() * lane.lanes * kWidth + i;
    if (channel >= lane.channels) continue;
    float of[kCount / kWidth];
    UNROLLED
    for (int s = 0; s < kCount / kWidth; ++s) {
      of[s] = all.down(shared_memory(), (s * kWidth + i % kWidth) * lane.lanes + i / kWidth, rows);
    }
    finish(channel, of);
  }
}

}  // namespace optdnn::kernels::gpu
