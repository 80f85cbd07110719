#include "optdnn/experiment/search_spec.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "optdnn/base/random.h"
#include "optdnn/config/dump.h"

namespace optdnn::experiment {

using config::Node;

const base::NameTable<Select>& enum_names(Select) {
  static const base::NameTable<Select> table(
      "metrics to choose by",
      {{"valid/loss", "smallest loss", Select::loss},
       {"valid/error_pct", "smallest error of classes", Select::error_pct},
       {"valid/mse", "smallest squared error", Select::mse},
       {"valid/l1", "smallest absolute error", Select::l1},
       {"valid/sup_error", "smallest largest error", Select::sup_error},
       {"valid/margin", "largest margin", Select::margin},
       {"valid/normalized_margin", "largest distance to the boundary", Select::normalized_margin}});
  return table;
}

std::string name_of(Select select) { return config::dump(select).text(); }

bool is_gain(Select select) { return select == Select::margin || select == Select::normalized_margin; }

void read_value(config::Reader& reader, const Node& node, DrawSpec& spec) {
  if (node.is_sequence()) {
    reader.read(node, spec.values, config::not_empty());
    return;
  }
  reader.read_fields(node, spec);
  if (node.is_map() && spec.log.has_value() == spec.uniform.has_value()) {
    reader.error(node, "'" + reader.name() + "' wants {log: [a, b]}, {uniform: [a, b]} or a list of values");
  }
}

Node dump_value(const DrawSpec& spec) {
  return spec.values.empty() ? config::dump_fields(spec) : Node::sequence(spec.values);
}

nlohmann::json schema_value(const DrawSpec&) {
  const nlohmann::json range = {{"type", "array"}, {"items", {{"type", "number"}}}, {"minItems", 2}, {"maxItems", 2}};
  const auto map_of = [&](const char* name) {
    return nlohmann::json{
        {"type", "object"}, {"additionalProperties", false}, {"required", {name}}, {"properties", {{name, range}}}};
  };
  return {{"oneOf", {map_of("log"), map_of("uniform"), {{"type", "array"}, {"minItems", 1}}}}};
}

std::string type_text(const DrawSpec&) { return "{log: [a, b]}, {uniform: [a, b]} or [values]"; }

namespace {

Node rounded(double value, const std::pair<double, double>& range) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return config::dump(std::clamp(std::strtod(text, nullptr), range.first, range.second));
}

}  // namespace

Node DrawSpec::draw(uint64_t seed, const std::string& path, int64_t i) const {
  const std::string purpose = "search/" + path;
  if (!values.empty()) {
    const auto count = std::ssize(values);
    return values[base::permutation(count, base::RandomStream(seed, purpose, 1, i / count))[i % count]];
  }
  base::RandomStream random(seed, purpose, 0, i);
  if (uniform) return rounded(random.uniform(uniform->first, uniform->second), *uniform);
  return rounded(std::exp(random.uniform(std::log(log->first), std::log(log->second))), *log);
}

}  // namespace optdnn::experiment
