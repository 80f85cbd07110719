// Linear combinations whose weights are learned. A weight of an input in an output is a polynomial of them, so that the
// host does not know it: a small kernel writes the matrix y = M x, which those of combine.cuh read. Backwards, with the
// value a = A x, the gradient b = B dy, and a weight between them,
//   d weight = sum over numbers of a b = sum_io A_i B_o P_io,  P_io = sum over numbers of x_i dy_o
// so that one kernel over the tensors, P, serves all weights.
#pragma once

#include "optdnn/kernels/gpu/learned.h"
#include "optdnn/kernels/gpu/rows.cuh"

namespace optdnn::kernels::gpu {

// A thread makes a column.
KERNEL learned_matrices(const LearnedMatrices a) {
  begin_kernel();
  const LearnedTerms& of = a.of[block()];
  const int column = thread();
  if (column >= of.inputs) return;
  for (int value = 0; value < of.inputs; ++value) of.matrix[value * of.inputs + column] = value == column ? 1.0f : 0.0f;
  for (int m = 0; m < of.made; ++m) {
    float sum = 0.0f;
    for (int t = of.begin[m]; t < of.begin[m + 1]; ++t) {
      const LearnedTerm& term = of.terms[t];
      const float weight = term.learned < 0 ? term.weight : *a.learned[term.learned];
      sum += weight * of.matrix[term.value * of.inputs + column];
    }
    of.matrix[(of.inputs + m) * of.inputs + column] = sum;
  }
}

template <class Number, int kWidth, int kOutputs>
KERNEL learned_products(const Products a) {
  begin_kernel();
  const auto* x = static_cast<const Number*>(a.inputs[part()]);
  if (!x) return;
  float sums[kOutputs] = {};
  const int step = blocks() * threads();
  UNROLLED_BY_4
  for (int vector = block() * threads() + thread(); vector < a.vectors; vector += step) {
    const long long at = static_cast<long long>(vector) * kWidth;
    float numbers[kWidth];
    read(x + at, numbers);
    UNROLLED
    for (int output = 0; output < kOutputs; ++output) {
      float gradients[kWidth];
      read(static_cast<const Number*>(a.gradients[output]) + at, gradients);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) sums[output] += numbers[c] * gradients[c];
    }
  }
  add_up(sums, Lane<1>({0, a.count, 1}), a.totals, [&](int input, const float(&of)[kOutputs]) {
    UNROLLED
    for (int output = 0; output < kOutputs; ++output) a.sums[input * kOutputs + output] = of[output];
  });
}

// A thread makes one of the learned weights' gradients.
KERNEL learned_gradients(const LearnedGradients a) {
  begin_kernel();
  const int learned = thread();
  if (learned >= a.learned) return;
  float sum = 0.0f;
  for (int d = 0; d < a.count; ++d) {
    const LearnedDot& dot = a.dots[d];
    if (dot.learned != learned) continue;
    for (int input = 0; input < a.inputs; ++input) {
      const float of_input = a.values[dot.a * a.inputs + input];
      if (of_input == 0.0f) continue;  // its products may not be there
      for (int output = 0; output < a.outputs; ++output) {
        if (a.column[output] < 0) continue;
        sum += of_input * a.gradients[dot.b * a.outputs + output] * a.products[input * a.columns + a.column[output]];
      }
    }
  }
  a.found[learned] = sum;
}

}  // namespace optdnn::kernels::gpu
