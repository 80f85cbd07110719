// A run while it trains: what is written in its folder when it begins, on the way, and when it ends.
#pragma once

#include "optdnn/experiment/held_runs.h"
#include "optdnn/experiment/status.h"
#include "optdnn/experiment/summary.h"
#include "optdnn/models/network.h"

namespace optdnn::experiment {

class BegunRun {
 public:
  // Run `number` of the plan, which outlives this. Of several processes one has the folder's claim and writes; in the
  // others nothing below writes anything.
  BegunRun(const Table& table, const Row& row, const RunPlan& plan, size_t number, const RunOptions& options,
           const Held& held);

  bool writes() const { return static_cast<bool>(before_write_); }
  Summary& summary() { return summary_; }
  void log(const std::string& line) const;

  // Keeps status.json from now on; `runs` train as one network.
  void keep_status(const training::Length& length, int64_t runs, const RunOptions& options);
  // What the trainer is given of this run, number `place` of those in the network. Requires: writes().
  training::RunJob job(const models::Network& network, int64_t place);
  // CPU seconds of this call, added to those of the calls before unless the run began anew.
  void add_cpu_seconds(double seconds, const training::TrainResult& result);

  // Summary, log and pictures of a run that ended.
  RunOutcome end(const training::TrainResult& result, const models::Network& network, int64_t place,
                 const data::DataSet& dataset);

 private:
  const RunPlan& plan_;
  const PlannedRun& run_;
  size_t number_;
  Summary summary_;
  std::function<void()> before_write_;  // may throw, where another process has taken the folder
  double cpu_seconds_ = 0;              // of the calls before
  std::vector<std::unique_ptr<metrics::Sink>> sinks_;
  std::shared_ptr<Status> status_;  // null for trials
};

}  // namespace optdnn::experiment
