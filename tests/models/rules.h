// Rules for tests: from the catalogue or from text, with any errors shown.
#pragma once

#include "optdnn/algorithms/catalogue.h"
#include "optdnn/algorithms/rule.h"
#include "support/catch.h"

namespace optdnn::tests {

inline algorithms::Rule must_make(const algorithms::RuleSpec& spec, base::Diagnostics& diagnostics) {
  auto rule = algorithms::make_rule(spec, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(rule.has_value());
  return *rule;
}

inline algorithms::Rule catalogue_rule(const std::string& name, std::vector<algorithms::Coefficient> overrides = {}) {
  base::Diagnostics diagnostics;
  return must_make(algorithms::catalogue_spec(name, overrides, diagnostics), diagnostics);
}

inline algorithms::Rule rule_of(const std::string& equations, std::vector<algorithms::Coefficient> coefficients = {}) {
  base::Diagnostics diagnostics;
  algorithms::RuleSpec spec;
  spec.name = "test";
  spec.equations = equations;
  spec.coefficients = std::move(coefficients);
  return must_make(spec, diagnostics);
}

}  // namespace optdnn::tests
