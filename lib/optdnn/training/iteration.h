// One update of the weights from `accumulate` batches, in two parts: the host's (batches to where the device reads
// them, counters, the learning rate), and the body, the device's alone, which on a device that has graphs is recorded
// and replayed (recorded.h).
#pragma once

#include "optdnn/training/divergence.h"
#include "optdnn/training/ema.h"
#include "optdnn/training/loss_scale.h"
#include "optdnn/training/optimizer.h"
#include "optdnn/training/recorded.h"
#include "optdnn/training/tally.h"
#include "optdnn/training/trainer.h"
#include "optdnn/training/weight_update.h"

namespace optdnn::training {

// What an iteration works on; the trainer's.
struct IterationParts {
  NamedParameters& parameters;
  Optimizer& optimizer;
  const Loss& loss;
  DivergenceGuard& guard;
  Tally& recent;
  std::optional<Ema>& ema;
  std::optional<LossScale>& scale;
  Recorded& recorded;
  std::function<void(const torch::Tensor& losses)> see;  // of each batch, one per run; may be empty
};

class Iteration {
 public:
  Iteration(TrainJob& job, IterationParts parts);

  // `next` gives the iteration's batches in turn, `samples` in all (of one run), the first of which is number
  // `first_batch` of the training.
  void run(const NextBatch& next, int64_t samples, int64_t first_batch, double learning_rate);

  // Of several processes: whether one was told to stop by the end of the last iteration.
  bool stop() const { return stop_; }

 private:
  void body(const NextBatch& next, int64_t samples);
  void body_of_many(const NextBatch& next, int64_t samples);
  torch::Tensor outputs_of(const data::Batch& batch);
  torch::Tensor forward(const data::Batch& batch);
  data::Batch prepare(const data::Batch& batch);
  int64_t samples_in(const data::Batch& batch) const { return batch.inputs.size(runs_ > 1 ? 1 : 0); }

  TrainJob& job_;
  IterationParts parts_;
  int64_t runs_;
  WeightUpdate update_;
  bool stop_ = false;
};

}  // namespace optdnn::training
