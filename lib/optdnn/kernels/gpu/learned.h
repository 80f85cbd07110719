// Arguments of the kernels of learned.cuh. For C++ and CUDA alike.
#pragma once

#include "optdnn/kernels/gpu/combine.h"

namespace optdnn::kernels::gpu {

constexpr int kMostLearned = 32, kMostMade = 40, kMostTerms = 96, kMostDots = 64;

struct LearnedTerm {
  short value, learned;  // of the learned weights, or -1
  float weight;
};

// Combinations of `inputs` values: the terms of number m are [begin[m], begin[m + 1]).
struct LearnedTerms {
  short inputs, made, begin[kMostMade + 1];
  LearnedTerm terms[kMostTerms];
  float* matrix;  // values x inputs
};

struct LearnedMatrices {
  LearnedTerms of[2];  // a block takes one
  const float* learned[kMostLearned];
};

struct Products {
  const void* inputs[Combination::kMostInputs];  // a part takes one; null: not wanted
  const void* gradients[Combination::kMostOutputs];
  float* sums;  // inputs x kOutputs
  Totals totals;
  int vectors, count;  // of each tensor; of inputs
};

struct LearnedDot {
  short a, b, learned;
};

struct LearnedGradients {
  const float *values, *gradients;  // matrices: of what the dots' a are made of inputs, and b of outputs' gradients
  const float* products;            // inputs x `columns`
  short column[Combination::kMostOutputs];  // by output; -1: it has no gradient
  short inputs, outputs, columns, learned, count;
  LearnedDot dots[kMostDots];
  float* found;  // by learned weight
};

}  // namespace optdnn::kernels::gpu
