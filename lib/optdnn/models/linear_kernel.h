// Tapes of linear combinations over plain memory, in blocks that stay in the first-level cache: however many terms
// there are, an input is read once and an output written once. On all of LibTorch's threads.
#pragma once

#include <cstdint>
#include <vector>

#include "optdnn/models/tape.h"

namespace optdnn::models {

// A tape without modules and its values in memory, `count` numbers each; one that nobody keeps is null, as is an input
// that is not read.
template <class Number>
struct LinearRun {
  const Tape& tape;
  std::vector<Number*> values;
};

// sum_i a_i b_i of a value of one tape and one of another.
struct TapeDot {
  int a, b;
  int learned;  // the sum it is part of
};

template <class Number>
void run_linear(const LinearRun<Number>& run, const std::vector<Number>& learned, int64_t count);

// Runs both tapes and returns the sums of the dots by learned weight. They are added up in a fixed order.
template <class Number>
std::vector<double> run_linear(const LinearRun<Number>& a, const LinearRun<Number>& b, const std::vector<TapeDot>& dots,
                               const std::vector<Number>& learned, int64_t count);

}  // namespace optdnn::models
