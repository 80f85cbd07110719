// The folders of runs that are to be trained: who has them, and how far the runs are. Of several processes rank 0 alone
// looks, and says what it found to the others.
#pragma once

#include <map>

#include "optdnn/experiment/claim.h"
#include "optdnn/experiment/train_runs.h"

namespace optdnn::experiment {

// A run whose folder is ours.
struct Held {
  config::Node resolved;
  std::optional<Claim> claim;  // in the process that writes
  bool begun = false;          // there is a state to continue from
};
using HeldRuns = std::map<size_t, Held>;  // by their numbers in the plan

struct Found {
  enum class What { to_train, finished, failed, elsewhere } what = What::failed;
  int64_t iteration = 0;  // that a run to be trained stands at
  std::exception_ptr error;
};

// Makes a run's folder ours, unless it is finished, another's, or not to be trained.
Found find(const RunPlan& plan, size_t number, const RunOptions& options, HeldRuns& held);

}  // namespace optdnn::experiment
