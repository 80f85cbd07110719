// Parts of a network that train differently, as in fine-tuning: the YAML key `optimizer.groups`.
//
//   groups: [{match: head.*, learning_rate: 0.01}, {match: stem.*, frozen: true}]
//
// A parameter belongs to the first pattern that its name fits; `*` stands for any text. Names are those of a
// checkpoint: stem.weight, stage_0.T.2.conv1.weight, stage_0.coefficients.beta, head.linear.bias.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string>
#include <vector>

#include "optdnn/config/fields.h"

namespace optdnn::training {

struct GroupSpec {
  static constexpr std::string_view kHelp = "parameters by their names, with rates of their own or frozen";
  std::string match;
  std::optional<double> learning_rate, weight_decay;
  bool frozen = false;

  template <class Fields>
  void fields(Fields& f) {
    f.required("match", match, config::not_empty(), "of the parameters' names, * for any text: head.*");
    f("learning_rate", learning_rate, config::above(0), "at the schedule's peak; default: the optimizer's");
    f("weight_decay", weight_decay, config::at_least(0), "default: the optimizer's; decay_on holds here too");
    f("frozen", frozen, "left as it begins; running statistics of norms go on");
  }
  void check(config::Checker& c) const;
};
using GroupSpecs = std::optional<std::vector<GroupSpec>>;

bool fits_pattern(std::string_view name, std::string_view pattern);

// The first that the name fits, or null.
const GroupSpec* group_of(const GroupSpecs& groups, const std::string& name);

// Frozen parameters get no gradient from now on. Errors: ConfigError for a pattern that no parameter fits, naming parts
// of the network, and where nothing would be left to train.
void freeze_parameters(torch::nn::Module& module, const GroupSpecs& groups);

}  // namespace optdnn::training
