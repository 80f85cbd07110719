#include "optdnn/experiment/study.h"

#include "optdnn/config/read.h"

namespace optdnn::experiment {

using base::concat;

void StudySpec::check(config::Checker& checker) const {
  if (depths.size() < 2) checker.error("depths", "an order wants at least two depths", "depths: [16, 32, 64, 128]");
  if (std::adjacent_find(depths.begin(), depths.end(), std::greater_equal<>()) != depths.end())
    checker.error("depths", "depths must ascend");
}

namespace {

// The rule, if it can be run to the last of the depths over fields of families it has.
std::optional<algorithms::Rule> fitting_rule(const StudySpec& spec, const config::Node& node,
                                             base::Diagnostics& diagnostics) {
  const auto rule = make_rule(spec.algorithm, diagnostics);
  if (!rule) return std::nullopt;
  const int errors = diagnostics.errors();
  const std::vector<std::string>& families = rule->families();
  for (const auto& [name, field] : spec.vector_fields) {
    if (std::find(families.begin(), families.end(), name) != families.end()) continue;
    diagnostics.error(node.find("vector_fields")->find_entry(name)->key_span,
                      concat("the rule calls no module '", name, "'"),
                      concat("families of '", rule->name(), "': ", base::join(families, ", ")));
  }
  try {
    algorithms::check_depth(*rule, spec.depths.back());
  } catch (const base::ConfigError& error) {
    diagnostics.error(node.span_of("depths"), error.what(), error.hint());
  }
  return diagnostics.errors() > errors ? std::nullopt : rule;
}

}  // namespace

Study read_study(const std::filesystem::path& file, const std::vector<std::string>& sets,
                 base::Diagnostics& diagnostics) {
  Study study;
  for (const config::ExpandedRow& row : read_rows(file, sets, "converge", study, diagnostics)) {
    const int errors = diagnostics.errors();
    auto spec = config::read<StudySpec>(row.config, diagnostics, "study");
    if (diagnostics.errors() > errors) continue;
    if (auto rule = fitting_rule(spec, row.config, diagnostics))
      study.rows.push_back({row.id, std::move(spec), std::move(*rule)});
  }
  return study;
}

bool is_study(const std::filesystem::path& file) {
  base::Diagnostics diagnostics;
  const config::Node node = config::read_yaml_file(file, diagnostics);
  return node.is_map() && node.find("study") != nullptr;
}

}  // namespace optdnn::experiment
