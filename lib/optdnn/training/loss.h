// What training minimises, as a mean over the samples of a batch; of several runs, each run's own mean.
//   cross_entropy  -sum_k q_k log softmax(outputs)_k,  q = (1 - s) target + s / K
//   logistic       log(1 + exp(-y f)),  y = +-1,  f = outputs_1 - outputs_0
//   mse            mean of (outputs - targets)^2 over samples and dimensions
#pragma once

#include <ATen/core/Reduction.h>
#include <torch/torch.h>

#include <functional>

#include "optdnn/data/dataset.h"
#include "optdnn/training/loss_spec.h"

namespace optdnn::training {

// cross_entropy for classes, mse for regression.
LossSpec default_loss(const data::DataShape& shape);

// Errors: ConfigError if the loss does not fit the data (mse on classes, logistic on three classes).
void check_loss(const LossSpec& loss, const data::DataShape& shape);

struct Loss {
  bool regression = false;
  // Shapes: outputs_BK, targets as in data::Batch -> a scalar, or one loss per sample (per number of a regression), in
  // float32 (float64 for float64 outputs). Of several runs outputs_RBK, and no reduction.
  std::function<torch::Tensor(const torch::Tensor& outputs, const torch::Tensor& targets, at::Reduction::Reduction)>
      reduced;

  // Shapes: outputs_BK -> a scalar; outputs_RBK of several runs -> R.
  torch::Tensor mean(const torch::Tensor& outputs, const torch::Tensor& targets) const;
};
Loss make_loss(const LossSpec& loss);

// What test sets are measured by: the same without label smoothing.
LossSpec plain_loss(LossSpec loss);

}  // namespace optdnn::training
