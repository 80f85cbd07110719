// Adam and AdamW; see adam.cpp for the formula.
#pragma once

#include "optdnn/training/parameter_group.h"

namespace optdnn::training {

class Adam : public Optimizer {
 public:
  // `decoupled`: weight decay shrinks the weights themselves (AdamW) instead of entering the gradient.
  // Requires two moments per parameter.
  Adam(const AdamFields& spec, bool decoupled, std::vector<ParameterGroup> groups);
  void step(double learning_rate, const StepControl& control) override;
  std::optional<StepRule> rule() const override;
  TensorMap state() const override;

 private:
  AdamFields spec_;
  bool decoupled_;
  std::vector<ParameterGroup> groups_;
  torch::Tensor step_;  // updates done, float32 as the kernels want it
};

}  // namespace optdnn::training
