#include "optdnn/algorithms/coefficient_check.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "optdnn/algorithms/sequences.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;

namespace {

bool is_name(const std::string& text) {
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

void check_declaration(const Coefficient& c, const base::SourceSpan& span, base::Diagnostics& diagnostics) {
  const auto fail = [&](std::string message, std::string hint = "") {
    diagnostics.error(span, std::move(message), std::move(hint));
  };
  if (!is_name(c.name) || c.name == "k" || c.name == "sum" || std::isupper(static_cast<unsigned char>(c.name[0]))) {
    return fail(concat("'", c.name, "' cannot be a coefficient's name"),
                "small letters, digits and '_'; capitals are modules, k and sum are taken");
  }
  if (c.value.has_value() == !c.sequence.empty()) {
    return fail(concat("coefficient '", c.name, "' needs either a value or a sequence"),
                "as in {value: 0.5} or {sequence: fista}");
  }
  if (!c.sequence.empty() && !find_sequence(c.sequence)) {
    std::vector<std::string> names;
    for (const Sequence& sequence : sequences()) names.emplace_back(sequence.name);
    return fail(concat("unknown sequence '", c.sequence, "'"), base::suggestion(c.sequence, names, "sequences"));
  }
  if (!c.sequence.empty() && c.learn == Learn::shared) {
    return fail(concat("coefficient '", c.name, "' is shared by all steps and cannot start from a sequence"),
                "learn: per_step");
  }
  if (c.value && !std::isfinite(*c.value))
    return fail(concat("the value of coefficient '", c.name, "' is not finite"), "give it a number");
  if (!c.range) return;
  if (!std::isfinite(c.range->low) || !std::isfinite(c.range->high) || c.range->low >= c.range->high) {
    return fail(concat("the range of coefficient '", c.name, "' is empty"), "range: [low, high] with low < high");
  }
  if (c.value && (*c.value < c.range->low || *c.value > c.range->high)) {
    fail(concat("coefficient '", c.name, "' is ", base::number_text(*c.value), ", outside its range [",
                base::number_text(c.range->low), ", ", base::number_text(c.range->high), "]"),
         "a learned value starts inside its range");
  }
}

}  // namespace

void check_coefficients(const RuleSpec& spec, base::Diagnostics& diagnostics) {
  std::set<std::string> declared;
  for (const Coefficient& coefficient : spec.coefficients) {
    const base::SourceSpan& span = coefficient.span.source ? coefficient.span : spec.span;
    check_declaration(coefficient, span, diagnostics);
    if (!declared.insert(coefficient.name).second)
      diagnostics.error(span, concat("coefficient '", coefficient.name, "' is declared twice"),
                        "remove one of the two");
  }
}

}  // namespace optdnn::algorithms
