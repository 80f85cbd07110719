#include "optdnn/algorithms/check.h"

#include <algorithm>
#include <cmath>

#include "optdnn/algorithms/coefficient_check.h"
#include "optdnn/algorithms/expression_check.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;
using Role = Expression::Role;

namespace {

void mark_read(const Expression& node, const Equations& parsed, std::vector<bool>& read) {
  if ((node.role == Role::state || node.role == Role::intermediate) && !read[node.entry]) {
    read[node.entry] = true;
    mark_read(parsed.lines[node.entry].right, parsed, read);
  }
  for (const Expression& child : node.children) mark_read(child, parsed, read);
}

}  // namespace

Names check_equations(Equations& parsed, const RuleSpec& spec, const Report& report, base::Diagnostics& diagnostics) {
  Names names;
  const int errors_before = diagnostics.errors();
  check_coefficients(spec, diagnostics);
  if (parsed.lines.empty()) {
    if (diagnostics.errors() == errors_before && parsed.is_complete)
      report({0, 1}, "the rule has no equations", "as in x[k+1] = x[k] + T(x[k])");
    return names;
  }

  const CheckedExpressions checked = check_expressions(parsed, spec, report);
  names.families = checked.families;

  std::vector<std::string> lines;
  int first_state = -1, x = -1, named = -1;
  for (size_t i = 0; i < parsed.lines.size(); ++i) {
    const Line& line = parsed.lines[i];
    lines.push_back(line.name);
    if (line.is_state && first_state < 0) first_state = static_cast<int>(i);
    if (line.is_state && line.name == "x") x = static_cast<int>(i);
    if (line.name == spec.output) named = static_cast<int>(i);
  }
  for (const auto& [name, value] : spec.start) {
    if (std::find(lines.begin(), lines.end(), name) == lines.end()) {
      if (!parsed.is_complete) continue;  // its line may be one that could not be read; so below
      diagnostics.error(spec.span, concat("start names '", name, "', but no line updates it"),
                        base::suggestion(name, lines, "states"));
    } else if (!std::isfinite(value)) {
      diagnostics.error(spec.span, concat("the start of '", name, "' is not finite"), "give it a number");
    }
  }
  if (!spec.output.empty() && named < 0 && parsed.is_complete) {
    diagnostics.error(spec.span, concat("output names '", spec.output, "', but no line updates it"),
                      base::suggestion(spec.output, lines, "states"));
  }
  if (first_state < 0 && diagnostics.errors() == errors_before && parsed.is_complete) {
    report(parsed.lines.front().target, "missing update: no line computes a state",
           concat("write ", lines.front(), "[k+1] = ... for the next step's value"));
  }
  if (diagnostics.errors() > errors_before || !parsed.is_complete) return names;

  names.output = !spec.output.empty() ? named : x >= 0 ? x : first_state;
  std::vector<bool> read(lines.size(), false);
  read[names.output] = true;
  mark_read(parsed.lines[names.output].right, parsed, read);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (read[i]) continue;
    const bool state = parsed.lines[i].is_state;
    report(parsed.lines[i].target,
           concat("unused ", state ? "state" : "intermediate", " '", lines[i], "': the output '", lines[names.output],
                  "' does not depend on it"),
           state ? concat("remove its line, or choose it with output: ", lines[i]) : "remove its line");
  }
  for (size_t i = 0; i < spec.coefficients.size(); ++i) {
    const Coefficient& coefficient = spec.coefficients[i];
    if (checked.used_coefficients.contains(static_cast<int>(i))) continue;
    diagnostics.error(coefficient.span.source ? coefficient.span : spec.span,
                      concat("unused coefficient '", coefficient.name, "': the equations do not name it"),
                      "remove it, or write it into an equation");
  }
  return names;
}

}  // namespace optdnn::algorithms
