// What a training leaves of its runs: checkpoints, weights, and the records of its sinks.
#pragma once

#include "optdnn/training/checkpoint.h"
#include "optdnn/training/trainer.h"

namespace optdnn::training {

class RunFiles {
 public:
  explicit RunFiles(const TrainJob& job);

  // Whether any process writes checkpoints.
  bool any() const { return any_; }
  bool keeps(int64_t run) const { return !job_.runs[run].checkpoints.empty(); }
  // Errors: EnvironmentError where the disk has no room for the checkpoints of runs whose states are these.
  void check_rooms(const std::function<TensorMap(int64_t run)>& state) const;

  // As they are, into checkpoints/<name>. Requires: keeps(run).
  void write_weights(int64_t run, const char* name, int64_t iteration) const;
  void write_state(int64_t run, const TrainState& state) const;
  void write(int64_t run, const metrics::Record& record) const;
  // To those who look at the training as a whole: the mean over runs.
  void write_progress(const std::vector<metrics::Record>& records) const;

  // The run's sinks forget what came after. Records that are missing before it are told of.
  void rewind(int64_t run, int64_t iteration) const;

 private:
  void about_to_write(int64_t run) const;

  const TrainJob& job_;
  const bool any_;
  const int64_t log_iterations_;
};

}  // namespace optdnn::training
