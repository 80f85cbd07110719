// Trains runs, or continues what their folders hold: together as one network where that can be, else one after another.
#pragma once

#include <set>

#include "optdnn/experiment/run.h"

namespace optdnn::experiment {

// One run: an experiment, the seed it is trained with, and its place.
struct PlannedRun {
  ExperimentSpec spec;
  uint64_t seed = 0;
  RunFolder folder;
};

struct RunPlan {
  std::string label;  // on the terminal and in the log
  // They differ in their seeds. Trials of a search see no test sample, and those that differ in nothing but learning
  // rate, weight decay, init.scale and values of coefficients can train as one network, as seeds can.
  std::vector<PlannedRun> runs;
  bool are_trials = false;
  std::set<std::string> constants;     // of the rule, that differ from trial to trial
  nlohmann::ordered_json search = {};  // what was chosen, for the summaries; null without a search
};

// How many seeds of a row one process takes at a time: those that train as one network, else one.
size_t runs_at_once(const Row& row, const RunOptions& options);

// One outcome per run, in any order; RunOutcome::number is the run's place in the plan. A stop leaves out those that
// have not begun.
std::vector<RunOutcome> train_runs(const Table& table, const Row& row, const RunPlan& plan, const RunOptions& options,
                                   DataSets& datasets);

}  // namespace optdnn::experiment
