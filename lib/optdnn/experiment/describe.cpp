#include "optdnn/experiment/describe.h"

#include <algorithm>

#include "optdnn/algorithms/sequences.h"
#include "optdnn/algorithms/syntax.h"
#include "optdnn/base/errors.h"
#include "optdnn/config/json.h"

namespace optdnn::experiment {

using algorithms::Leaf;
using nlohmann::ordered_json;

namespace {

int largest_shift(const algorithms::Expression& node) {
  int shift = 0;
  for (const auto& index : node.indices) shift = std::max(shift, index.constant);
  for (const auto& child : node.children) shift = std::max(shift, largest_shift(child));
  return shift;
}

// The values of a constant that varies, at every index up to `last`, of pairs with every smaller second one.
ordered_json values_by_index(const algorithms::Rule& rule, int coefficient, int last) {
  const auto* sequence = algorithms::find_sequence(rule.coefficients()[coefficient].sequence);
  ordered_json values = ordered_json::array();
  const auto add = [&](const std::vector<int>& at) {
    try {
      values.push_back({at, rule.initial_value({coefficient, at})});
    } catch (const base::ConfigError&) {  // it has none there, so no step reads it
    }
  };
  for (int k = 0; k <= last; ++k) {
    if (!sequence || sequence->indices == 1) add({k});
    for (int j = 0; sequence && sequence->indices == 2 && j < k; ++j) add({k, j});
  }
  return values;
}

ordered_json coefficient_json(const algorithms::Rule& rule, int place, int last) {
  const algorithms::Coefficient& coefficient = rule.coefficients()[place];
  ordered_json json;
  json["learn"] = algorithms::enum_names(coefficient.learn).name_of(coefficient.learn);
  if (coefficient.learn != algorithms::Learn::no) {
    if (coefficient.range) json["range"] = {coefficient.range->low, coefficient.range->high};
  } else if (coefficient.value) {
    json["value"] = *coefficient.value;
  } else {
    json["values"] = values_by_index(rule, place, last);
  }
  return json;
}

// A number, or the text of an expression in learned coefficients.
ordered_json start_json(const algorithms::Rule& rule) {
  std::vector<std::string> names;
  for (const auto& coefficient : rule.coefficients()) names.push_back(coefficient.name);
  const algorithms::Tableau first = rule.step(0);
  ordered_json start = ordered_json::object();
  for (const auto& term : rule.start()) {
    auto& multiple = start[first.states[term.column]];
    multiple = term.value.is_constant() ? ordered_json(term.value.constant()) : ordered_json(term.value.text(names));
  }
  return start;
}

ordered_json rule_json(const algorithms::Rule& rule, int steps) {
  int shift = 1;
  for (const auto& line : rule.parsed().lines) shift = std::max(shift, largest_shift(line.right));
  ordered_json coefficients = ordered_json::object();
  for (size_t i = 0; i < rule.coefficients().size(); ++i) {
    const auto place = static_cast<int>(i);
    coefficients[rule.coefficients()[i].name] = coefficient_json(rule, place, steps + shift);
  }
  return {{"name", rule.name()},          {"equations", rule.equations()}, {"families", rule.families()},
          {"output", rule.output_name()}, {"start", start_json(rule)},     {"coefficients", coefficients}};
}

ordered_json stage_json(const algorithms::Rule& rule, const models::Stage& stage, const models::StageChannels& channels,
                        int64_t width) {
  ordered_json slots = ordered_json::object(), values = ordered_json::object();
  for (const auto& [leaf, value] : stage.coefficients().numbers().values()) {
    const std::string& name = rule.coefficients()[leaf.coefficient].name;
    slots[name].push_back(leaf.indices);
    values[name].push_back(value);
  }
  return {{"first", stage.first()},          {"steps", stage.steps()}, {"input", channels.input}, {"width", width},
          {"handed_on", channels.handed_on}, {"coefficients", slots},  {"values", values}};
}

}  // namespace

ordered_json describe_network(const ExperimentSpec& spec, const models::NetworkShape& shape,
                              const models::Network& network) {
  ordered_json json = {{"config", config::to_json(resolved(spec))}, {"input", shape.input}, {"outputs", shape.outputs}};
  if (!network.opt_net) return json;
  const auto rule = rule_of(spec);
  const models::OptNetSpec net = opt_net_spec(spec, *rule);
  const auto channels = models::stage_channels(net);
  ordered_json stages = ordered_json::array();
  int steps = 0;
  for (size_t i = 0; i < channels.size(); ++i) {
    const models::Stage& stage = *network.opt_net->stages()[i];
    stages.push_back(stage_json(*rule, stage, channels[i], net.width[i]));
    steps = std::max(steps, stage.first() + stage.steps());
  }
  json["rule"] = rule_json(*rule, steps);
  json["stages"] = stages;
  return json;
}

}  // namespace optdnn::experiment
