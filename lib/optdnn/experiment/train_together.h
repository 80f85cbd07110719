// Runs of a plan that train as one network.
#pragma once

#include "optdnn/experiment/held_runs.h"

namespace optdnn::experiment {

// One outcome per number of the plan, in order. Requires: the runs stand at the same iteration and their folders are
// held; several of them, that trains_as_one (network.h).
std::vector<RunOutcome> train_together(const Table& table, const Row& row, const RunPlan& plan,
                                       const std::vector<size_t>& numbers, const RunOptions& options,
                                       DataSets& datasets, const HeldRuns& held);

}  // namespace optdnn::experiment
