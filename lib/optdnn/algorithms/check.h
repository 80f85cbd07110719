// What can be said about a rule before any step is unrolled: every name is known, the right-hand sides are linear in
// states and module results, every line leads to the output, and the declarations fit the equations.
#pragma once

#include "optdnn/algorithms/rule.h"
#include "optdnn/algorithms/syntax.h"

namespace optdnn::algorithms {

struct Names {
  std::vector<std::string> families;  // in order of first appearance
  int output = 0;                     // the line whose name is the output
};

// Gives every name in `parsed` its role. Errors: reported, those of declarations at their own spans.
Names check_equations(Equations& parsed, const RuleSpec& spec, const Report& report, base::Diagnostics& diagnostics);

}  // namespace optdnn::algorithms
