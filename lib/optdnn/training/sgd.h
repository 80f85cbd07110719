// Stochastic gradient descent; see sgd.cpp for the formula.
#pragma once

#include "optdnn/training/parameter_group.h"

namespace optdnn::training {

class Sgd : public Optimizer {
 public:
  Sgd(const SgdSpec& spec, const NamedParameters& parameters);
  void step(double learning_rate, const StepControl& control) override;
  TensorMap state() const override;

 private:
  SgdSpec spec_;
  std::vector<ParameterGroup> groups_;
};

}  // namespace optdnn::training
