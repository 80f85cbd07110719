#include "optdnn/experiment/network.h"

#include <algorithm>

#include "optdnn/base/random.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/free_memory.h"
#include "optdnn/experiment/weights.h"
#include "optdnn/modules/convolve.h"

namespace optdnn::experiment {

models::NetworkShape network_shape(const data::DataShape& shape) { return {shape.input, shape.outputs}; }

models::NetworkShape network_shape(const ExperimentSpec& spec) {
  return network_shape(data::dataset_shape(spec.dataset));
}

std::shared_ptr<const algorithms::Rule> rule_of(const ExperimentSpec& spec) {
  if (spec.rule || !spec.algorithm) return spec.rule;
  base::Diagnostics diagnostics;
  auto rule = make_rule(*spec.algorithm, diagnostics);
  diagnostics.throw_if_errors();
  return std::make_shared<const algorithms::Rule>(*std::move(rule));
}

std::vector<modules::ModuleSpec> modules_of(const ExperimentSpec& spec, const algorithms::Rule& rule) {
  std::vector<modules::ModuleSpec> modules;
  for (const std::string& family : rule.families())
    modules.push_back(spec.module ? *spec.module : spec.modules.at(family));
  return modules;
}

models::OptNetSpec opt_net_spec(const ExperimentSpec& spec, const algorithms::Rule& rule) {
  models::OptNetSpec net;
  net.modules = modules_of(spec, rule);
  net.depth = spec.depth.values;
  net.width = spec.width.values;
  net.stem = spec.stem;
  net.transition = spec.transition;
  net.head = spec.head;
  net.init_scale = spec.init.scale;
  if (spec.solver) net.solver = *spec.solver;
  net.recompute = spec.train.recompute;
  return net;
}

void check_network(const ExperimentSpec& spec) {
  const models::NetworkShape shape = network_shape(spec);
  if (spec.model) return baselines::check_baseline(*spec.model, shape);
  const auto rule = rule_of(spec);
  models::check_opt_net(*rule, opt_net_spec(spec, *rule), shape);
}

modules::Count count_network(const ExperimentSpec& spec) {
  const models::NetworkShape shape = network_shape(spec);
  if (spec.model) return baselines::count_baseline(*spec.model, shape);
  const auto rule = rule_of(spec);
  const models::OptNetSpec net = opt_net_spec(spec, *rule);
  return models::count_opt_net(models::count_uses(*rule, net), net, shape);
}

models::Network make_network(const ExperimentSpec& spec, const models::NetworkShape& shape, uint64_t seed) {
  check_network(spec);
  check_weights_fit(static_cast<double>(count_network(spec).parameters));
  base::seed_torch(seed);
  models::Network network;
  if (spec.model) {
    network = baselines::make_baseline(*spec.model, shape);
  } else {
    const algorithms::Rule rule = *rule_of(spec);
    network = models::make_opt_net(rule, opt_net_spec(spec, rule), shape);
  }
  modules::set_convolutions(*network.module.ptr(), spec.train.convolutions);
  return network;
}

namespace {

// A constant as a parameter, so that it has a run dimension; the caller keeps it from learning.
void as_parameter(ExperimentSpec& spec, const std::string& name) {
  CoefficientSpec& coefficient = spec.algorithm->coefficients[name];
  coefficient.learn = algorithms::Learn::shared;
  coefficient.range.reset();
  spec.rule.reset();  // another one now
}

}  // namespace

models::Network make_stacked_network(const ExperimentSpec& spec, const models::NetworkShape& shape,
                                     const std::vector<uint64_t>& seeds) {
  return make_stacked_network(std::vector(seeds.size(), spec), shape, seeds, {});
}

models::Network make_stacked_network(std::vector<ExperimentSpec> specs, const models::NetworkShape& shape,
                                     const std::vector<uint64_t>& seeds, const std::set<std::string>& constants) {
  std::vector<models::Network> runs;
  for (size_t i = 0; i < seeds.size(); ++i) {
    for (const std::string& name : constants) as_parameter(specs[i], name);
    runs.push_back(make_network(specs[i], shape, seeds[i]));
    if (specs[i].init.from) begin_at(*runs.back().module.ptr(), *specs[i].init.from);
  }
  models::Network whole = runs.size() == 1 ? runs.front() : models::stack_runs(runs);
  for (auto& item : whole.module.ptr()->named_parameters()) {
    for (const std::string& name : constants) {
      if (item.key().ends_with(".coefficients." + name)) item.value().requires_grad_(false);
    }
  }
  return whole;
}

bool trains_as_one(const ExperimentSpec& spec, const models::NetworkShape& shape) {
  return !shape.is_image() && spec.train.precision != training::Precision::float16;
}

}  // namespace optdnn::experiment
