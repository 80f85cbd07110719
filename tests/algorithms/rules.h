// Rules for the tests in one line: rule_of("x[k+1] = x[k] + b*T(x[k])", {constant("b", 0.5)}).
#pragma once

#include "optdnn/algorithms/catalogue.h"
#include "support/catch.h"

namespace optdnn::algorithms {

inline Coefficient constant(const std::string& name, double value) {
  Coefficient c;
  c.name = name;
  c.value = value;
  return c;
}
inline Coefficient sequenced(const std::string& name, const std::string& sequence) {
  Coefficient c;
  c.name = name;
  c.sequence = sequence;
  return c;
}
inline Coefficient learned(Coefficient c, Learn learn = Learn::per_step) {
  c.learn = learn;
  return c;
}

inline Rule rule_of(const RuleSpec& spec) {
  base::Diagnostics diagnostics;
  const auto rule = make_rule(spec, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(rule.has_value());
  return *rule;
}
inline Rule rule_of(const std::string& equations, const std::vector<Coefficient>& coefficients = {},
                    const std::map<std::string, double>& start = {}) {
  RuleSpec spec;
  spec.name = "rule";
  spec.equations = equations;
  spec.coefficients = coefficients;
  spec.start = start;
  return rule_of(spec);
}
inline Rule shipped(const std::string& name, const std::vector<Coefficient>& overrides = {}) {
  base::Diagnostics diagnostics;
  const RuleSpec spec = catalogue_spec(name, overrides, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  return rule_of(spec);
}
inline LeafValues starts_of(const Rule& rule) {
  return [&rule](const Leaf& leaf) { return rule.initial_value(leaf); };
}

}  // namespace optdnn::algorithms
