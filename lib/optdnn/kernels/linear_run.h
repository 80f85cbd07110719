// Linear combinations over plain memory, in blocks that stay in the first-level cache: however many terms there are, an
// input is read once and an output written once. On all of LibTorch's threads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "optdnn/kernels/combinations.h"

namespace optdnn::kernels {

// Part of a run: `count` numbers of each value from `begin` on. Blocks of one piece come in order, on one thread.
template <class Number>
struct LinearBlock {
  int64_t piece, begin, count;
  Number* const* values;
};

// Combinations and their values in memory, `count` numbers each; one that nobody keeps is null, as is an input that is
// not read.
template <class Number>
struct LinearRun {
  const Combinations& combinations;
  std::vector<Number*> values;
  // Called for each block, if given: `before` the combinations, to fill in inputs (in room of the block's own where
  // they are null), and `after` them.
  std::function<void(const LinearBlock<Number>&)> before = {}, after = {};
  int64_t block = 1024;  // numbers of each value that are worked on at a time

  int64_t pieces(int64_t count) const;
};

// sum_i a_i b_i of a value of one list of combinations and one of another.
struct Dot {
  int a, b;
  int learned;  // the sum it is part of
};

template <class Number>
void run_linear(const LinearRun<Number>& run, const std::vector<Number>& learned, int64_t count);

// Runs both, which have blocks of one size, and returns the sums of the dots by learned weight. They are added up
// in a fixed order.
template <class Number>
std::vector<double> run_linear(const LinearRun<Number>& a, const LinearRun<Number>& b, const std::vector<Dot>& dots,
                               const std::vector<Number>& learned, int64_t count);

}  // namespace optdnn::kernels
