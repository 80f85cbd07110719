#include "optdnn/experiment/spec.h"

#include <algorithm>
#include <set>

#include "optdnn/config/dump.h"
#include "optdnn/config/merge.h"
#include "optdnn/data/catalogue.h"

namespace optdnn::experiment {

using base::concat;

const std::vector<std::string>& algorithm_keys() {
  static const std::vector<std::string> keys = {"module",     "modules", "depth", "width", "stem",
                                                "transition", "head",    "init",  "solver"};
  return keys;
}

const base::NameTable<ComparedCost>& enum_names(ComparedCost) {
  static const base::NameTable<ComparedCost> table(
      "costs", {{"parameters", "of the whole network", ComparedCost::parameters},
                {"multiply_adds", "of one sample's forward pass", ComparedCost::multiply_adds}});
  return table;
}

bool reports_a_trial_seed(const ExperimentSpec& spec) {
  return spec.search &&
         std::any_of(spec.seeds.begin(), spec.seeds.end(), [](uint64_t s) { return s >= kFirstTrialSeed; });
}

void ExperimentSpec::check(config::Checker& checker) const {
  if (reports_a_trial_seed(*this)) {
    checker.error("seeds", concat("seeds from ", base::with_thousands(kFirstTrialSeed), " on are those of trials"));
  }
  if (std::set<uint64_t>(seeds.begin(), seeds.end()).size() != seeds.size())
    checker.error("seeds", "a seed stands twice");
  if (algorithm.has_value() == model.has_value()) {
    checker.error(model ? "model" : "", "an experiment wants exactly one of algorithm and model",
                  "algorithm: {name: apg2} with a module, or model: {name: resnet, layers: 20}");
    return;
  }
  if (evaluate.weights == training::EvaluatedWeights::both && !train.ema) {
    checker.error("evaluate", "evaluate.weights both wants a moving average beside the weights",
                  "train: {ema: {decay: 0.999}}");
  }
  if (model) {
    for (const std::string& key : algorithm_keys()) {
      if (checker.is_given(key))
        checker.error(key, concat("'", key, "' belongs to an algorithm, and this experiment has a model"));
    }
    if (train.recompute) checker.error("train", "train.recompute is for the modules of an algorithm, this is a model");
    return;
  }
  if (module.has_value() == !modules.empty()) {
    checker.error(module ? "modules" : "algorithm", "an algorithm wants exactly one of module and modules",
                  "module: {name: conv_preact}, or modules: {T: {name: conv_preact}, S: {name: conv_postact}}");
  }
  if (depth.size() != width.size()) {
    checker.error("depth", concat("depth has ", depth.size(), " stages, width has ", width.size()),
                  "both are numbers, or lists with one entry per stage");
  }
}

namespace {

void check_families(const ExperimentSpec& spec, const algorithms::Rule& rule, const config::Node& node,
                    base::Diagnostics& diagnostics) {
  if (spec.modules.empty()) return;
  const config::Node* place = node.find("modules");
  const std::string families = concat("families of '", rule.name(), "': ", base::join(rule.families(), ", "));
  for (const std::string& family : rule.families()) {
    if (!spec.modules.contains(family)) {
      diagnostics.error(place->span(), concat("modules lacks family '", family, "' of the rule"), families);
    }
  }
  for (const auto& [name, module] : spec.modules) {
    const bool known = std::find(rule.families().begin(), rule.families().end(), name) != rule.families().end();
    const auto* entry = place->find_entry(name);
    if (!known && entry) diagnostics.error(entry->key_span, concat("the rule calls no module '", name, "'"), families);
  }
}

// A column that is not there is a mistake of the config, a damaged file is none.
void look_at_data(data::DataSetSpec& dataset, const config::Node& node, base::Diagnostics& diagnostics,
                  const std::filesystem::path& data_root) {
  try {
    data::look_at_files(dataset, data_root);
  } catch (const base::ConfigError& error) {
    diagnostics.error(node.find("dataset")->span(), error.what(), error.hint());
  }
}

}  // namespace

ExperimentSpec read_experiment(const config::Node& node, base::Diagnostics& diagnostics,
                               const std::filesystem::path& data_root) {
  const int errors = diagnostics.errors();
  auto spec = config::read<ExperimentSpec>(node, diagnostics, "experiment");
  if (diagnostics.errors() == errors) look_at_data(spec.dataset, node, diagnostics, data_root);
  // Vectors have no convolutions: one value for all, that of runs from before there was a choice.
  if (data::dataset_shape(spec.dataset).input.size() != 3) spec.train.convolutions = kernels::Convolutions::exact;
  if (!spec.algorithm || spec.algorithm->name.empty()) return spec;
  auto rule = make_rule(*spec.algorithm, diagnostics);
  spec.algorithm->node = {};  // the text's tree is needed no longer
  if (!rule) return spec;
  spec.rule = std::make_shared<const algorithms::Rule>(*std::move(rule));
  check_families(spec, *spec.rule, node, diagnostics);
  if (spec.rule->is_explicit()) {
    spec.solver.reset();
  } else if (!spec.solver) {
    spec.solver = solvers::AndersonSpec{};
  }
  return spec;
}

config::Node resolved(const ExperimentSpec& spec) { return config::without_keys(shown(spec), {"search"}); }

config::Node shown(const ExperimentSpec& spec) {
  std::vector<std::string> left_out = {"compare"};
  if (spec.model) left_out.insert(left_out.end(), algorithm_keys().begin(), algorithm_keys().end());
  return config::without_keys(config::dump(spec), left_out);
}

}  // namespace optdnn::experiment
