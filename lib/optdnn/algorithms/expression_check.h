// Whether every name on the right sides of a rule is known, and the right sides are linear in states and modules.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "optdnn/algorithms/rule.h"
#include "optdnn/algorithms/syntax.h"

namespace optdnn::algorithms {

struct CheckedExpressions {
  std::vector<std::string> families;  // of modules, in the order of their first call
  std::set<int> used_coefficients;    // by their place in the spec
};

// Fills in what the names of `parsed` stand for. Requires a line at least. Errors: to `report`.
CheckedExpressions check_expressions(Equations& parsed, const RuleSpec& spec, const Report& report);

}  // namespace optdnn::algorithms
