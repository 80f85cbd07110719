// A few iterations of a row's training, in the real loop, on batches kept in memory: what `check` and `bench` measure.
// Nothing is evaluated or saved in between.
#pragma once

#include "optdnn/data/loader.h"
#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/run.h"
#include "optdnn/training/schedule.h"

namespace optdnn::experiment {

struct ShortRun {
  std::string iteration;       // "captured", or why iterations ran operator by operator
  std::vector<double> losses;  // of the first seed's iterations, one each, where they are asked for
  std::vector<StageExecutor> executors;
};

// Requires: one seed, or trains_as_one(spec), for then several are one network.
struct ShortTraining {
  const ExperimentSpec& spec;
  data::DataShape shape;
  std::vector<uint64_t> seeds;
  std::map<uint64_t, std::vector<data::Batch>> batches;  // by seed, served in turn: as many of each, of one size
  training::ScheduleSpec schedule;                       // in the place of the row's
  const RunOptions& options;

  // At the weights where training begins.
  models::Network make_network() const;

  // `poll` is called before every iteration; where it returns true training stops there. Training that is not stopped
  // ends with an evaluation on one batch. Errors: DivergedError; ConfigError if the parts do not fit.
  ShortRun run(const models::Network& network, int64_t iterations, const std::function<bool()>& poll,
               bool with_losses) const;
};

}  // namespace optdnn::experiment
