// Everything but training, for one row: the network is built, one batch goes through a few iterations that leave the
// weights as they are, memory and time follow.
#pragma once

#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/run.h"

namespace optdnn::experiment {

struct CheckReport {
  modules::Count cost;
  double loss = 0;         // of the first batch, before any update
  int64_t iterations = 0;  // of the whole run
  double iteration_s = 0;  // measured
  double batch_s = 0;      // measured: reading and augmenting a batch, one thread
  double total_s = 0;      // estimate of training, without evaluation
  double all_s = 0;        // estimate of all seeds with their evaluations, and of the row's search
  double memory_mib = 0;   // estimate of the peak, see memory.h; on a GPU of activations, weights and optimizer
  kernels::ConvolutionCounts convolutions;    // passes of one batch, by the way they were done
  std::optional<bool> convergent, universal;  // of a rule; universal may be open
  bool coupled = false;                       // not convergent, and each stage of a coupled flow or convergent
  std::vector<StageExecutor> executors;
  std::optional<std::string> warning;
};

// Errors: ConfigError if the parts do not fit together, EnvironmentError if data are missing or memory
// is too small.
CheckReport check_row(const Row& row, const RunOptions& options, DataSets& datasets);

}  // namespace optdnn::experiment
