#include "optdnn/training/parameter_group.h"

namespace optdnn::training {

namespace {

// A ViT's class token and positions have dimensions and are biases all the same.
bool is_weight(const std::string& name, int64_t dimensions) {
  return dimensions >= 2 && !name.ends_with("cls_token") && !name.ends_with("pos_embed");
}

// Named as in stage_0.coefficients.gamma.
bool is_coefficient(const std::string& name) { return ("." + name).find(".coefficients.") != std::string::npos; }

bool is_decayed(DecayOn decay_on, const std::string& name, int64_t dimensions) {
  switch (decay_on) {
    case DecayOn::all:
      return true;
    case DecayOn::all_but_coefficients:
      return !is_coefficient(name);
    case DecayOn::weights:
      break;
  }
  return is_weight(name, dimensions) && !is_coefficient(name);
}

}  // namespace

std::vector<ParameterGroup> make_groups(const NamedParameters& parameters, double weight_decay, DecayOn decay_on,
                                        size_t moments, bool stacked) {
  ParameterGroup decayed, free;
  decayed.weight_decay = weight_decay;
  decayed.moments.resize(moments);
  free.moments.resize(moments);
  for (const auto& [name, parameter] : parameters) {
    ParameterGroup& group = is_decayed(decay_on, name, parameter.dim() - stacked) ? decayed : free;
    group.names.push_back(name);
    group.parameters.push_back(parameter);
    for (auto& moment : group.moments) moment.push_back(torch::zeros_like(parameter).detach());
  }
  std::vector<ParameterGroup> groups;
  for (auto& group : {decayed, free}) {
    if (!group.parameters.empty()) groups.push_back(group);
  }
  return groups;
}

FusedLists::FusedLists(const ParameterGroup& group) : moments(group.moments.size()) {
  for (size_t i = 0; i < group.parameters.size(); ++i) {
    const torch::Tensor& gradient = group.parameters[i].grad();
    if (!gradient.defined()) continue;
    parameters.push_back(group.parameters[i]);
    gradients.push_back(gradient);
    for (size_t m = 0; m < moments.size(); ++m) moments[m].push_back(group.moments[m][i]);
  }
}

void add_moments(TensorMap& state, const std::vector<ParameterGroup>& groups,
                 const std::vector<std::string>& moment_names) {
  for (const ParameterGroup& group : groups) {
    for (size_t m = 0; m < group.moments.size(); ++m) {
      for (size_t i = 0; i < group.names.size(); ++i)
        state[moment_names[m] + "/" + group.names[i]] = group.moments[m][i];
    }
  }
}

}  // namespace optdnn::training
