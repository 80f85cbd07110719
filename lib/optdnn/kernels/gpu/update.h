// Arguments of the kernels of update.cuh. For C++ and CUDA alike.
#pragma once

#include "optdnn/kernels/gpu/chunks.h"
#include "optdnn/kernels/gpu/rows.h"

namespace optdnn::kernels::gpu {

struct GradientPart {
  const float* numbers;
  int count, begin;  // of numbers; number of its first chunk
};

struct Gradients {
  static constexpr int kMost = 240;
  GradientPart parts[kMost];
  Chunks chunks;
  Totals totals;
  float* decision;       // divide, overflowed
  float* scale;          // of the loss; null without
  int* growth;           // updates since it changed
  const long long* now;  // the batch
  long long* first_bad;  // whose gradients were not finite, or -1
  float clip;            // of the norm; 0: none
};

struct UpdatedPart {
  const float* gradient;  // null: the weights stay
  float* weight;
  float *first, *second;  // moments; null where the rule has none
  float* average;         // of the weights; null without
  int count, begin;
  float decay, rate;  // the latter times the learning rate
};

struct Update {
  static constexpr int kMost = 64;
  UpdatedPart parts[kMost];
  Chunks chunks;
  const float *learning_rate, *divide, *overflowed;  // the latter two null without
  const long long* first_bad;                        // of each run, or -1: its weights stay
  int runs;                                          // which lie one after another in every tensor
  int blocks;                                        // of all launches
  float* step;                                       // updates done, of Adam
  int* arrived;
  float betas[2], shares[2], log_betas[2], epsilon;  // beta, 1 - beta; SGD's momentum is the first beta
  float average_share;                               // that the weights have in their new average
  int nesterov, decoupled;
};

struct Watched {
  const float* values;
  const long long* now;
  long long* first_bad;
  int count;
};

}  // namespace optdnn::kernels::gpu
