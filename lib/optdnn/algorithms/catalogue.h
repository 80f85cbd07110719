// The networks of the paper and their relatives, as equations. Adding a row adds its tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

struct CatalogueRule {
  std::string name;
  std::string help;  // one line
  std::string equations;
  std::vector<Coefficient> coefficients = {};
  std::map<std::string, double> start = {};
  std::string output = "";
  std::string source;
  std::string same_network_as = "";  // empty: a network of its own
};

const std::vector<CatalogueRule>& catalogue();
const CatalogueRule* find_rule(std::string_view name);

// The named rule with some of its coefficients replaced; an override without value and sequence keeps the default ones.
// Errors: ConfigError for an unknown rule; diagnostics at the override for an unknown coefficient.
RuleSpec catalogue_spec(std::string_view name, const std::vector<Coefficient>& overrides,
                        base::Diagnostics& diagnostics, const base::SourceSpan& span = {});

}  // namespace optdnn::algorithms
