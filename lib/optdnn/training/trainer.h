// The training loop. An iteration is one weight update from `accumulate` batches; everything the loop does is a
// function of its job, so a run that was stopped and continued ends with the bits of an unbroken one (on one device,
// with the same number of threads).
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "optdnn/data/loader.h"
#include "optdnn/metrics/sink.h"
#include "optdnn/training/evaluate.h"
#include "optdnn/training/loss.h"
#include "optdnn/training/optimizer_spec.h"
#include "optdnn/training/schedule.h"
#include "optdnn/training/train_spec.h"

namespace optdnn::training {

struct TrainJob {
  torch::nn::AnyModule network;  // moved to `device` and precision by the trainer
  const data::Loader* train_loader = nullptr;
  const data::Loader* test_loader = nullptr;
  OptimizerSpec optimizer;
  ScheduleSpec schedule;
  LossSpec loss;
  TrainSpec train;
  EvaluateSpec evaluate;
  torch::Device device = torch::kCPU;

  std::filesystem::path checkpoints;                                            // folder; empty: nothing is saved
  bool resume = true;                                                           // continue from the state there, if any
  std::vector<metrics::Sink*> sinks;                                            // rewound to where training begins
  std::vector<std::function<void(int64_t epoch, metrics::Record&)>> observers;  // add to the record of an evaluation
  std::function<bool()> stop_requested;  // polled before every iteration; may be empty
  std::function<double()> seconds;       // a clock that only rises; may be empty
};

struct TrainResult {
  Evaluation last;
  double best = std::numeric_limits<double>::quiet_NaN();  // smallest headline of all evaluations
  int64_t best_iteration = 0;
  int64_t iterations = 0;  // done in all
  int64_t resumed_at = 0;  // iteration this call began with
  double seconds = 0;      // in all, resumed runs added up
  double epochs = 0;       // done in all
  bool stopped = false;    // by stop_requested, after saving; `last` is then that of the latest evaluation in this call
};

// Errors: DivergedError naming iteration and batch when a loss is not finite; the weights are those before that
// iteration. EnvironmentError if a checkpoint is damaged or does not fit. ConfigError if the device lacks the
// precision. Requires: check_loss(job.loss, shape of the data).
TrainResult train(TrainJob& job);

}  // namespace optdnn::training
