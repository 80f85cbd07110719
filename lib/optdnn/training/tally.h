// Sums of losses and mistakes over batches, kept on the device until they are asked for. Of several runs at once, one
// sum each: their batches are R x B x ... and so are as many as one run's.
#pragma once

#include <torch/torch.h>

#include "optdnn/training/evaluation.h"
#include "optdnn/world/world.h"

namespace optdnn::training {

class Tally {
 public:
  // `unit`: what 1 of each number of a regression's target is in the data's own units, in which errors are counted;
  // empty: 1.
  Tally(bool regression, const torch::Device& device, int64_t runs = 1, const std::vector<double>& unit = {});

  // Shapes: outputs_BK, targets as in data::Batch; `loss` is the mean over the batch. Of several runs all have a
  // leading dimension R, the loss too. Counts samples, which the host knows, and adds sums, the device's work, which a
  // recorded graph repeats: where it does, the two are called apart.
  void add(const torch::Tensor& outputs, const torch::Tensor& targets, const torch::Tensor& loss);
  void count(const torch::Tensor& targets);
  void add_sums(const torch::Tensor& outputs, const torch::Tensor& targets, const torch::Tensor& loss);
  // Shapes: one number per sample, B or R x B.
  void add_margins(const Margins& margins);
  // Adds everything the other one counted.
  void add(const Tally& other);
  void clear();

  // What all processes of the world counted.
  Tally of_all(const world::World& world) const;

  // Means so far, of each run; waits for the device.
  std::vector<Evaluation> read() const;

  // For the checkpoint of a run: six numbers, float64 on the CPU. Margins are no part of it.
  torch::Tensor packed(int64_t run = 0) const;
  void unpack(const torch::Tensor& numbers_6, int64_t run = 0);

 private:
  std::vector<torch::Tensor*> sums() { return {&loss_, &mistakes_, &absolute_, &largest_}; }
  torch::Tensor per_run(const torch::Tensor& values) const;

  bool regression_;
  int64_t runs_;
  int64_t samples_ = 0, numbers_ = 0;  // of one run; numbers: entries of all targets
  torch::Tensor unit_;                 // K, or not defined
  // One number per run:
  torch::Tensor loss_, mistakes_;             // sums; mistakes are wrong classes or squared errors
  torch::Tensor absolute_, largest_;          // of a regression's errors
  torch::Tensor margin_, normalized_margin_;  // smallest so far; infinite where none was added
};

}  // namespace optdnn::training
