#include "optdnn/training/optimizer.h"

#include "optdnn/config/reader.h"
#include "optdnn/training/adam.h"
#include "optdnn/training/sgd.h"

namespace optdnn::training {

const base::NameTable<DecayOn>& enum_names(DecayOn) {
  static const base::NameTable<DecayOn> names(
      "choices",
      {
          {"all", "every parameter", DecayOn::all},
          {"all_but_coefficients", "every parameter but a rule's learned coefficients", DecayOn::all_but_coefficients},
          {"weights", "parameters of two dimensions or more: no norms, biases and coefficients", DecayOn::weights},
      });
  return names;
}

void SgdSpec::check(config::Checker& c) const {
  if (nesterov && momentum == 0) c.error("nesterov", "nesterov needs a momentum above 0");
}

std::optional<StepRule> Optimizer::rule() const { return std::nullopt; }

NamedParameters trainable_parameters(const torch::nn::Module& module) {
  NamedParameters parameters;
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

namespace {

struct Maker {
  const NamedParameters& parameters;
  bool stacked;
  std::unique_ptr<Optimizer> operator()(const SgdSpec& spec) const {
    return std::make_unique<Sgd>(spec, groups(spec, spec.momentum > 0 ? 1 : 0));
  }
  std::unique_ptr<Optimizer> operator()(const AdamwSpec& spec) const {
    return std::make_unique<Adam>(spec, true, groups(spec, 2));
  }
  std::unique_ptr<Optimizer> operator()(const AdamSpec& spec) const {
    return std::make_unique<Adam>(spec, false, groups(spec, 2));
  }
  template <class Spec>
  std::vector<ParameterGroup> groups(const Spec& spec, size_t moments) const {
    return make_groups(parameters, {spec.learning_rate, spec.weight_decay, spec.decay_on, spec.groups}, moments,
                       stacked);
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, const NamedParameters& parameters, bool stacked) {
  return std::visit(Maker{parameters, stacked}, spec);
}

const GroupSpecs& groups_of(const OptimizerSpec& spec) {
  return std::visit([](const auto& s) -> const GroupSpecs& { return s.groups; }, spec);
}

double peak_learning_rate(const OptimizerSpec& spec) {
  return std::visit([](const auto& s) { return s.learning_rate; }, spec);
}

}  // namespace optdnn::training
