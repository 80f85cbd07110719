// Everything that continues a run, under the names it has in a checkpoint (checkpoint.h): weights, optimizer, moving
// average, loss scale, what was counted since the last record, and random numbers. Of several processes rank 0 reads
// and writes it, and the others get it from there.
#pragma once

#include "optdnn/training/checkpoint.h"
#include "optdnn/training/ema.h"
#include "optdnn/training/loss_scale.h"
#include "optdnn/training/optimizer.h"
#include "optdnn/training/spikes.h"
#include "optdnn/training/tally.h"
#include "optdnn/training/trainer.h"

namespace optdnn::training {

// What a state is of, beside the network; the trainer's.
struct StateParts {
  Optimizer& optimizer;
  std::optional<Ema>& ema;
  std::optional<LossScale>& scale;
  Tally &recent, &since_evaluation;
  Spikes& spikes;
};

class RunState {
 public:
  RunState(TrainJob& job, StateParts parts) : job_(job), parts_(parts), runs_(static_cast<int64_t>(job.runs.size())) {}

  // Of this process. Weights and moments share memory.
  TensorMap here(int64_t run) const;
  // What is to be saved: of several processes with what all have counted. Errors: EnvironmentError if their weights are
  // not the same.
  TensorMap of_all(int64_t run) const;
  // In every process what observers counted in all of them. Every process of a world calls it.
  void count_together(int64_t run) const;

  // Puts the state that a run left in its place. Returns its numbers, without tensors; nothing if there is none.
  // Errors: EnvironmentError if it is damaged or does not fit.
  std::optional<TrainState> restore(int64_t run);

 private:
  TensorMap snapshot(int64_t run, const Tally& recent, const Tally& since_evaluation,
                     const torch::Tensor& counted) const;
  torch::Tensor counted(int64_t run) const;  // by observers, if they count
  std::optional<TrainState> read(int64_t run);
  std::optional<TrainState> give(const std::optional<TrainState>& read);
  std::string generator_name() const;
  at::Generator generator() const { return at::globalContext().defaultGenerator(job_.device); }
  torch::nn::Module& module() const { return *job_.network.ptr(); }

  TrainJob& job_;
  StateParts parts_;
  int64_t runs_;
};

}  // namespace optdnn::training
