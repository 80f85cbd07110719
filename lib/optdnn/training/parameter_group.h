// Parameters that share weight decay and learning rate, each with the tensors its optimizer keeps for it.
#pragma once

#include "optdnn/training/optimizer.h"

namespace optdnn::training {

struct ParameterGroup {
  double weight_decay = 0;
  double rate_factor = 1;  // of the optimizer's learning rate
  std::vector<std::string> names;
  std::vector<torch::Tensor> parameters;
  std::vector<std::vector<torch::Tensor>> moments;  // [moment][parameter], zero at first
};

struct GroupRules {
  double learning_rate, weight_decay;
  DecayOn decay_on;
  GroupSpecs groups;
};

// One for each pair of rates that occurs. `stacked`: see make_optimizer.
std::vector<ParameterGroup> make_groups(const NamedParameters& parameters, const GroupRules& rules, size_t moments,
                                        bool stacked);

// A step of SGD or Adam as numbers, for a kernel that makes it for all parameters at once (flat_update.h).
struct StepRule {
  const std::vector<ParameterGroup>& groups;
  std::array<double, 2> betas = {0, 0};  // of the moments; SGD's momentum is the first
  double epsilon = 0;
  bool nesterov = false, decoupled = false;
  torch::Tensor step = {};  // updates done; Adam's alone
};

// Calls `update` with the group's learning rate, a number or a tensor.
template <class Update>
void at_rate_of(const ParameterGroup& group, double learning_rate, const StepControl& control, Update update) {
  if (!control.learning_rate) return update(group.rate_factor * learning_rate);
  group.rate_factor == 1 ? update(*control.learning_rate) : update(*control.learning_rate * group.rate_factor);
}

// The lists a fused kernel takes: those parameters that have a gradient.
struct FusedLists {
  explicit FusedLists(const ParameterGroup& group);
  std::vector<torch::Tensor> parameters, gradients;
  std::vector<std::vector<torch::Tensor>> moments;
};

// Adds <moment name>/<parameter name> for every moment.
void add_moments(TensorMap& state, const std::vector<ParameterGroup>& groups,
                 const std::vector<std::string>& moment_names);

}  // namespace optdnn::training
