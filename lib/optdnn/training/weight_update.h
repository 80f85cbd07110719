// One update of the weights from their gradients: the scale of the loss is divided out, the norm is clipped, what is
// not finite skips it, the optimizer steps, the moving average follows. By two kernels of the project's own where they
// fit (flat_update.h), else by LibTorch's operators, equal up to rounding.
#pragma once

#include "optdnn/training/divergence.h"
#include "optdnn/training/ema.h"
#include "optdnn/training/loss_scale.h"
#include "optdnn/training/optimizer.h"

namespace optdnn::training {

// What takes part; the trainer's.
struct UpdateParts {
  const NamedParameters& parameters;
  Optimizer& optimizer;
  DivergenceGuard& guard;
  std::optional<Ema>& ema;
  std::optional<LossScale>& scale;
  std::optional<double> clip = {};  // largest norm of the gradient
  bool watches_gradient = false;    // for numbers that are not finite, also where it is not clipped
  int64_t runs = 1;
};

class WeightUpdate {
 public:
  WeightUpdate(const UpdateParts& parts, const torch::Device& device);

  // The host's part of an update, then the device's, which leaves no gradients. If every run has diverged, nothing
  // changes.
  void begin(double learning_rate);
  void run();

 private:
  void by_operators();
  torch::Tensor all_weights() const;
  void give_back(const torch::Tensor& before, const torch::Tensor& frozen_R);

  UpdateParts parts_;
  double learning_rate_ = 0;
  torch::Tensor rate_;           // the learning rate where the device reads it; not defined on a CPU
  torch::Tensor run_of_weight_;  // of several runs: the run of every number of all_weights()
};

}  // namespace optdnn::training
