// How long an iteration of a row takes in the real training loop: forward, backward, optimizer, log points. Batches are
// made beforehand and kept in memory, the learning rate is constant, nothing is evaluated or saved in between.
#pragma once

#include "optdnn/experiment/run.h"

namespace optdnn::experiment {

struct BenchOptions {
  int64_t iterations = 200;    // timed
  int64_t warm_up = 20;        // before them
  int64_t batches = 8;         // kept in memory, in turn
  int64_t losses = 10;         // reported of a training of its own, from the same initial weights
  std::filesystem::path save;  // initial.safetensors and batches.safetensors for other programs; empty: none
};

struct BenchReport {
  int64_t batch_size = 0;
  std::vector<double> losses;       // of the first iterations, one each
  std::vector<double> iteration_s;  // of each timed iteration
};

// Errors: ConfigError if the parts do not fit or an epoch is too short, EnvironmentError if data are missing or the
// disk refuses, DivergedError.
BenchReport bench_row(const Row& row, const BenchOptions& bench, const RunOptions& options, DataSets& datasets);

}  // namespace optdnn::experiment
