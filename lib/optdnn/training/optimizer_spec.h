// What the YAML key `optimizer` holds.
#pragma once

#include <array>
#include <string_view>
#include <variant>

#include "optdnn/config/fields.h"
#include "optdnn/training/parameter_match.h"

namespace optdnn::training {

// Which parameters weight decay pulls: all, or weights alone, which have two dimensions or more; norms, biases and
// coefficients have fewer. A rule's coefficients have no reason to be near zero, so by default they are left out.
enum class DecayOn { all, weights, all_but_coefficients };
const base::NameTable<DecayOn>& enum_names(DecayOn);

struct SgdSpec {
  static constexpr std::string_view kName = "sgd";
  static constexpr std::string_view kHelp = "stochastic gradient descent with momentum";
  double learning_rate = 0.1;
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
  DecayOn decay_on = DecayOn::all_but_coefficients;
  GroupSpecs groups;

  template <class Fields>
  void fields(Fields& f) {
    f("learning_rate", learning_rate, config::above(0), "learning rate at the schedule's peak");
    f("momentum", momentum, config::at_least(0) & config::less_than(1), "share of the previous update that is kept");
    f("nesterov", nesterov, "look ahead along the momentum");
    f("weight_decay", weight_decay, config::at_least(0), "this much of each weight is added to its gradient");
    f("decay_on", decay_on, "all parameters; all_but_coefficients of the rule; or weights: no norms and biases either");
    f("groups", groups, "parts that train differently, by the names of their parameters; the first that fits counts");
  }
  void check(config::Checker& c) const;
};

// What Adam and AdamW have in common.
struct AdamFields {
  double learning_rate = 0.001;
  std::array<double, 2> betas = {0.9, 0.999};
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  DecayOn decay_on = DecayOn::all_but_coefficients;
  GroupSpecs groups;

  template <class Fields>
  void fields(Fields& f) {
    f("learning_rate", learning_rate, config::above(0), "learning rate at the schedule's peak");
    f("betas", betas, config::at_least(0) & config::less_than(1), "memory of the two moments");
    f("epsilon", epsilon, config::above(0), "added to the root of the second moment");
    f("weight_decay", weight_decay, config::at_least(0), "strength of the pull to zero");
    f("decay_on", decay_on, "all parameters; all_but_coefficients of the rule; or weights: no norms and biases either");
    f("groups", groups, "parts that train differently, by the names of their parameters; the first that fits counts");
  }
};

struct AdamSpec : AdamFields {
  static constexpr std::string_view kName = "adam";
  static constexpr std::string_view kHelp = "Adam; weight decay is added to the gradient (Kingma, Ba 2015)";
};

struct AdamwSpec : AdamFields {
  AdamwSpec() { weight_decay = 0.01; }
  static constexpr std::string_view kName = "adamw";
  static constexpr std::string_view kHelp = "Adam with decoupled weight decay (Loshchilov, Hutter 2019)";
};

using OptimizerSpec = std::variant<SgdSpec, AdamwSpec, AdamSpec>;

}  // namespace optdnn::training
