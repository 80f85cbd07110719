// Stochastic gradient descent; see sgd.cpp for the formula.
#pragma once

#include "optdnn/training/parameter_group.h"

namespace optdnn::training {

class Sgd : public Optimizer {
 public:
  // Requires one moment per parameter, or none without momentum.
  Sgd(const SgdSpec& spec, std::vector<ParameterGroup> groups) : spec_(spec), groups_(std::move(groups)) {}
  void step(double learning_rate, const StepControl& control) override;
  std::optional<StepRule> rule() const override;
  TensorMap state() const override;

 private:
  SgdSpec spec_;
  std::vector<ParameterGroup> groups_;
};

}  // namespace optdnn::training
