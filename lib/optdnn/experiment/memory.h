// How much memory a run on the CPU will have at its peak, LibTorch and the data set included:
//
//   peak = resident now + runs (state + max(training, evaluation) + batches)
//   state       moments and the moving average, one tensor each per weight
//   training    a forward and backward pass of a batch, with gradients    both by what LibTorch's allocator hands out
//   evaluation  a forward pass of an evaluation's batch                   for 2 and 4 samples, in a straight line
//   batches     those the loader's threads make ahead
//
// The figure is compared with VmHWM by scripts/bench/memory_estimate.py.
#pragma once

#include <cstdint>
#include <optional>

#include "optdnn/data/dataset.h"
#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

struct MemoryEstimate {
  double peak_mib = 0;
  std::optional<double> limit_mib;  // of this process: what the machine has left, or its cgroup; unknown elsewhere
  bool fits() const { return !limit_mib || peak_mib <= *limit_mib; }
};

// Units: MiB. Builds a network and trains it on four samples; `runs` train as one. Random streams are used.
MemoryEstimate estimate_memory(const ExperimentSpec& spec, const data::DataSet& dataset, int64_t batch_size,
                               int64_t loader_threads, int64_t runs = 1);

// Errors: EnvironmentError naming estimate, limit and cure where it does not fit.
void check_memory(const MemoryEstimate& memory);

// "the run wants about 812 MiB at its peak; 512 MiB are left for it"
std::string memory_text(const MemoryEstimate& memory);

}  // namespace optdnn::experiment
