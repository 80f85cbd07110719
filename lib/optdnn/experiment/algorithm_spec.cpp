#include "optdnn/experiment/algorithm_spec.h"

#include "optdnn/algorithms/catalogue.h"
#include "optdnn/algorithms/sequences.h"
#include "optdnn/config/reader.h"
#include "optdnn/config/schema.h"

namespace optdnn::algorithms {

const base::NameTable<Learn>& enum_names(Learn) {
  static const base::NameTable<Learn> table(
      "ways to learn", {
                           {"no", "a constant", Learn::no},
                           {"shared", "one number for all steps of a stage", Learn::shared},
                           {"per_step", "a number per step, or per pair of steps", Learn::per_step},
                       });
  return table;
}

}  // namespace optdnn::algorithms

namespace optdnn::experiment {

void read_value(config::Reader& reader, const config::Node& node, CoefficientSpec& spec) {
  spec.span = node.span();
  if (node.is_map()) {
    reader.read_fields(node, spec);
    const int given = int{spec.value.has_value()} + int{spec.sequence.has_value()} + int{spec.values.has_value()} +
                      int{spec.formula.has_value()};
    if (given > 1) {
      reader.error(node, "coefficient '" + reader.name() + "' wants one of value, sequence, values and formula",
                   "as in {value: 0.5, learn: per_step, range: [0, 1]}");
    }
    if (spec.repeat && !spec.values) {
      reader.error(node, "coefficient '" + reader.name() + "': repeat is for values",
                   "{values: [0, 0.9], repeat: true}");
    }
    return;
  }
  if (node.is_sequence()) {
    reader.read(node, spec.values.emplace(), config::not_empty());
    return;
  }
  const bool names_sequence =
      node.is_scalar() && !node.text().empty() && std::isalpha(static_cast<unsigned char>(node.text()[0]));
  if (names_sequence) {
    spec.sequence.emplace();
    reader.read(node, *spec.sequence);
  } else {
    spec.value.emplace();
    reader.read(node, *spec.value);
  }
}

nlohmann::json schema_value(const CoefficientSpec&) {
  std::vector<std::string> names;
  for (const auto& sequence : algorithms::sequences()) names.emplace_back(sequence.name);
  const nlohmann::json number = {{"type", "number"}}, name = {{"enum", names}};
  const nlohmann::json list = {{"type", "array"}, {"items", number}, {"minItems", 1}};
  const nlohmann::json range = {{"type", "array"}, {"items", number}, {"minItems", 2}, {"maxItems", 2}};
  const nlohmann::json map = {{"type", "object"},
                              {"additionalProperties", false},
                              {"properties",
                               {{"value", number},
                                {"sequence", {{"enum", names}}},
                                {"values", list},
                                {"repeat", {{"type", "boolean"}}},
                                {"formula", {{"type", "string"}}},
                                {"learn", {{"enum", {"no", "shared", "per_step"}}}},
                                {"range", range}}}};
  return {{"oneOf", {number, name, list, map}}};
}

std::string type_text(const CoefficientSpec&) { return "number, list, sequence or {value, ..., learn, range}"; }

void read_value(config::Reader& reader, const config::Node& node, AlgorithmSpec& spec) {
  spec.node = node;
  if (node.is_scalar()) {
    reader.read(node, spec.name);
  } else {
    reader.read_fields(node, spec);
  }
  // A run's resolved.yaml spells out what its rule was; by its name it is the same one.
  const algorithms::CatalogueRule* known = algorithms::find_rule(spec.name);
  if (known && spec.equations && base::trim(*spec.equations) == base::trim(known->equations)) spec.equations.reset();
}

// A rule of the catalogue by its name, or a map; one without equations names a rule of the catalogue.
nlohmann::json schema_value(const AlgorithmSpec&) {
  config::SchemaWriter writer;
  AlgorithmSpec fields;
  fields.fields(writer);
  nlohmann::json map = writer.take();
  std::vector<std::string> names;
  for (const auto& rule : algorithms::catalogue()) names.push_back(rule.name);
  map["if"] = {{"required", {"equations"}}};
  map["then"] = {{"properties", {{"name", {{"not", {{"enum", names}}}}}}}};
  map["else"] = {{"properties", {{"name", {{"enum", names}}}, {"output", false}, {"start", false}}}};
  return {{"oneOf", {{{"enum", names}}, map}}};
}

namespace {

std::vector<algorithms::Coefficient> coefficients_of(const AlgorithmSpec& spec) {
  std::vector<algorithms::Coefficient> coefficients;
  for (const auto& [name, given] : spec.coefficients) {
    algorithms::Coefficient& coefficient = coefficients.emplace_back();
    coefficient.name = name;
    coefficient.value = given.value;
    coefficient.sequence = given.sequence.value_or("");
    coefficient.values = given.values.value_or(std::vector<double>{});
    coefficient.repeat = given.repeat.value_or(false);
    coefficient.formula = given.formula.value_or("");
    coefficient.learn = given.learn;
    if (given.range) coefficient.range = algorithms::Range{given.range->first, given.range->second};
    coefficient.span = given.span;
  }
  return coefficients;
}

bool is_known(const AlgorithmSpec& spec, base::Diagnostics& diagnostics) {
  if (algorithms::find_rule(spec.name)) return true;
  std::vector<std::string> names;
  for (const auto& entry : algorithms::catalogue()) names.push_back(entry.name);
  diagnostics.error(spec.node.span_of("name"), base::concat("unknown algorithm '", spec.name, "'"),
                    base::suggestion(spec.name, names, "algorithms") + "; or give equations");
  return false;
}

// A built-in rule takes name and coefficients only: with other equations it would be another rule.
bool takes_no_more(const AlgorithmSpec& spec, base::Diagnostics& diagnostics) {
  if (!spec.output && spec.start.empty()) return true;
  const char* key = spec.output ? "output" : "start";
  diagnostics.error(spec.node.span_of(key),
                    base::concat("'", key, "' goes with equations; '", spec.name, "' is named without any"),
                    "write the rule out under algorithm.equations, with a name of its own");
  return false;
}

}  // namespace

std::optional<algorithms::Rule> make_rule(const AlgorithmSpec& spec, base::Diagnostics& diagnostics) {
  const int errors = diagnostics.errors();
  algorithms::RuleSpec rule;
  if (!spec.equations) {
    if (!is_known(spec, diagnostics) || !takes_no_more(spec, diagnostics)) return std::nullopt;
    rule = algorithms::catalogue_spec(spec.name, coefficients_of(spec), diagnostics, spec.node.span_of("name"));
    if (diagnostics.errors() > errors) return std::nullopt;
    return algorithms::make_rule(rule, diagnostics);
  }
  if (algorithms::find_rule(spec.name)) {
    diagnostics.error(spec.node.span_of("name"),
                      base::concat("'", spec.name, "' is a built-in rule and takes no equations"),
                      "give your rule a name of its own");
    return std::nullopt;
  }
  rule.name = spec.name;
  rule.equations = *spec.equations;
  if (const config::Node* equations = spec.node.find("equations"))
    rule.locate = [node = *equations](size_t offset, size_t length) { return node.locate(offset, length); };
  rule.coefficients = coefficients_of(spec);
  rule.output = spec.output.value_or("");
  rule.start = spec.start;
  rule.span = spec.node.span_of("name");
  return algorithms::make_rule(rule, diagnostics);
}

}  // namespace optdnn::experiment
