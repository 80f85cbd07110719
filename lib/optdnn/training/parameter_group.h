// Parameters that share a weight decay, each with the tensors its optimizer keeps for it.
#pragma once

#include "optdnn/training/optimizer.h"

namespace optdnn::training {

struct ParameterGroup {
  double weight_decay = 0;
  std::vector<std::string> names;
  std::vector<torch::Tensor> parameters;
  std::vector<std::vector<torch::Tensor>> moments;  // [moment][parameter], zero at first
};

// Two groups at most: with and without decay. `stacked`: see make_optimizer.
std::vector<ParameterGroup> make_groups(const NamedParameters& parameters, double weight_decay, DecayOn decay_on,
                                        size_t moments, bool stacked);

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
