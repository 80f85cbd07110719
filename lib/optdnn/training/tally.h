// Sums of losses and mistakes over batches, kept on the device until they are asked for.
#pragma once

#include <torch/torch.h>

#include "optdnn/training/evaluate.h"

namespace optdnn::training {

class Tally {
 public:
  Tally(bool regression, const torch::Device& device);

  // Shapes: outputs_BK, targets as in data::Batch; `loss` is the mean over the batch.
  void add(const torch::Tensor& outputs, const torch::Tensor& targets, const torch::Tensor& loss);
  // Adds everything the other one counted.
  void add(const Tally& other);
  void clear();

  // Means so far; waits for the device.
  Evaluation read() const;

  // For checkpoints: six numbers, float64 on the CPU.
  torch::Tensor packed() const;
  void unpack(const torch::Tensor& numbers_6);

 private:
  bool regression_;
  int64_t samples_ = 0, numbers_ = 0;  // numbers: entries of all targets
  torch::Tensor loss_, mistakes_;      // sums; mistakes are wrong classes or squared errors
  torch::Tensor absolute_, largest_;   // of a regression's errors
};

}  // namespace optdnn::training
