#include "optdnn/training/parameter_group.h"

#include <map>

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

std::vector<ParameterGroup> make_groups(const NamedParameters& parameters, const GroupRules& rules, size_t moments,
                                        bool stacked) {
  std::map<std::pair<double, double>, ParameterGroup, std::greater<>>
      groups;  // by decay and factor, decayed ones first
  for (const auto& [name, parameter] : parameters) {
    const GroupSpec* own = group_of(rules.groups, name);
    const double decay = own ? own->weight_decay.value_or(rules.weight_decay) : rules.weight_decay;
    const double factor = own && own->learning_rate ? *own->learning_rate / rules.learning_rate : 1;
    const bool decayed = is_decayed(rules.decay_on, name, parameter.dim() - stacked);
    ParameterGroup& group = groups[{decayed ? decay : 0, factor}];
    group.weight_decay = decayed ? decay : 0;
    group.rate_factor = factor;
    group.moments.resize(moments);
    group.names.push_back(name);
    group.parameters.push_back(parameter);
    for (auto& moment : group.moments) moment.push_back(torch::zeros_like(parameter).detach());
  }
  std::vector<ParameterGroup> list;
  for (auto& item : groups) list.push_back(std::move(item.second));
  return list;
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
