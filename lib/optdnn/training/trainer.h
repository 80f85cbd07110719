// The training loop. An iteration is one weight update from `accumulate` batches; everything the loop does is a
// function of its job, so a run that was stopped and continued ends with the bits of an unbroken one (on one device,
// with the same number of threads).
//
// Several runs, which differ in their seed and rates alone, train as one network with a leading run dimension.
// Their losses are added, so that each run's gradient is its own; a run that diverges keeps its weights while the
// others go on; each has its own records and checkpoints, which a single run could continue.
//
// Several processes train one run as a world: each has its part of every batch, and all have the same weights, losses
// and decisions. Rank 0 alone reads and writes; a state goes on with any number of processes.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "optdnn/base/errors.h"
#include "optdnn/data/loader.h"
#include "optdnn/metrics/sink.h"
#include "optdnn/training/evaluation.h"
#include "optdnn/training/loss.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/recorded.h"
#include "optdnn/training/run_rates.h"
#include "optdnn/training/schedule.h"
#include "optdnn/training/train_spec.h"
#include "optdnn/world/world.h"

namespace optdnn::training {

// What belongs to one run.
struct RunJob {
  std::filesystem::path checkpoints;                                            // folder; empty: nothing is saved
  std::function<void()> before_write;                                           // of a record or a file; may throw
  std::function<std::map<std::string, std::string>()> metadata;                 // of files of weights; may be empty
  std::vector<metrics::Sink*> sinks;                                            // rewound to where training begins
  std::vector<std::function<void(int64_t epoch, metrics::Record&)>> observers;  // add to the record of an evaluation
  // What observers counted since the last record, a row for each number, or empty; and how it is put back, from a
  // checkpoint or from all processes, whose rows follow each other. In every process, so that observers see all of it.
  std::function<torch::Tensor()> counted;
  std::function<void(const torch::Tensor& rows)> recount;
};

struct TrainJob {
  std::vector<RunJob> runs = {{}};  // one per seed of the loaders
  torch::nn::AnyModule network;     // moved to `device` and precision by the trainer; of several runs, stacked
  const data::Loader* train_loader = nullptr;
  const data::Loader* valid_loader = nullptr;  // null: no best weights are kept
  const data::Loader* test_loader = nullptr;   // null: a trial, which is judged without the test set
  OptimizerSpec optimizer;
  std::vector<RunRates> rates;  // of several runs that differ in them, one each; empty: the optimizer's own
  ScheduleSpec schedule;
  LossSpec loss;
  TrainSpec train;
  EvaluateSpec evaluate;
  torch::Device device = torch::kCPU;
  const world::World* world = &world::World::alone();  // whose part the loaders have; of several processes, one run

  GraphMaker make_graph;         // in the place of the device's own; may be empty
  std::string why_eager;         // why iterations and evaluations must not be recorded as graphs; empty: they may be
  AroundForward around_forward;  // of every forward pass; may be empty
  std::function<torch::Tensor()> penalty;  // of the latest forward pass, summed over runs; may be empty or not defined
  bool resume = true;                      // continue from the states there, if any
  std::vector<metrics::Sink*> progress;    // see the mean over the runs that go on
  std::function<bool()> stop_requested;    // polled before every iteration; may be empty
  std::function<double()> seconds;         // a clock that only rises; may be empty
};

struct TrainResult {
  Evaluation last;                     // on the test set; of no samples without one
  std::optional<Evaluation> last_raw;  // evaluate.weights: both; `last` is then that of the moving average
  std::optional<Evaluation> valid;     // the last on the validation set
  double best = std::numeric_limits<double>::quiet_NaN();  // smallest headline on the validation set
  int64_t best_iteration = 0;
  int64_t iterations = 0;              // done in all
  int64_t resumed_at = 0;              // iteration this call began with
  double seconds = 0;                  // in all, resumed runs added up; of several runs at once, an equal share each
  double epochs = 0;                   // done in all
  std::string iteration;               // "captured", or why iterations ran operator by operator
  int64_t replays = 0;                 // since resumed: iterations that were one call of the host
  int64_t evaluation_replays = 0;      // batches of evaluations, likewise
  std::vector<std::string> kernels;    // the project's for a GPU, by file (kernels/launcher.h), that were started
  int64_t skipped = 0, rollbacks = 0;  // by train.on_divergence, in all
  bool stopped = false;  // by stop_requested, after saving; `last` is then that of the latest evaluation in this call
  // Names iteration and batch where a loss was not finite; the weights are then those before that iteration.
  std::optional<base::DivergedError> diverged;
};

// One result per run. Errors: EnvironmentError if a checkpoint is damaged or does not fit, or if several runs stand at
// different iterations. ConfigError if the device lacks the precision, or several runs are to be float16 or to go on
// after a divergence. Requires: check_loss(job.loss, shape of the data).
std::vector<TrainResult> train(TrainJob& job);

}  // namespace optdnn::training
