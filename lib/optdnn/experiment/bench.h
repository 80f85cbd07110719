// How long an iteration of a row takes in the real training loop: forward, backward, optimizer, log points. Batches are
// made beforehand and kept in memory, the learning rate is constant, nothing is evaluated or saved in between. The
// row's seeds train as one network where they can; else the first does alone.
#pragma once

#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/kernel_times.h"
#include "optdnn/experiment/run.h"

namespace optdnn::experiment {

struct BenchOptions {
  int64_t iterations = 200;  // timed
  int64_t warm_up = 20;      // before them
  int64_t batches = 8;       // kept in memory, in turn
  int64_t losses = 10;       // reported of a training of its own, from the same initial weights
  bool profile = false;      // also says where a GPU's time goes, of a training of its own
  // The first seed's initial.safetensors and batches.safetensors, for other programs; empty: none.
  std::filesystem::path save = {};
};

constexpr int64_t kProfiled = 20;

struct BenchReport {
  std::vector<StageExecutor> executors;
  int64_t seeds = 0;  // trained at once
  int64_t batch_size = 0;
  std::vector<double> losses;  // of the first iterations of the first seed, one each
  // Of each timed iteration, of all seeds together; on a GPU means over blocks of 20, between which it is waited for.
  std::vector<double> iteration_s;
  std::string iteration;                    // "captured", or why iterations ran operator by operator
  std::vector<KernelTime> kernel_times;     // with `profile`, of kProfiled iterations
  kernels::ConvolutionCounts convolutions;  // passes of one iteration, by the way they were done
};

// Errors: ConfigError if the parts do not fit or an epoch is too short, EnvironmentError if data are missing or the
// disk refuses, DivergedError.
BenchReport bench_row(const Row& row, const BenchOptions& bench, const RunOptions& options, DataSets& datasets);

}  // namespace optdnn::experiment
