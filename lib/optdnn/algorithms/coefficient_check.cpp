#include "optdnn/algorithms/coefficient_check.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "optdnn/algorithms/given_values.h"
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
  if (count_given(c) != 1) {
    return fail(concat("coefficient '", c.name, "' needs one of value, sequence, values and formula"),
                "as in {value: 0.5}, {sequence: fista}, {values: [1, 0.5]} or {formula: \"(k-1)/(k+2)\"}");
  }
  if (!c.formula.empty()) {
    std::string wrong, cure;
    const auto remember = [&](Place, std::string message, std::string hint) {
      if (wrong.empty()) wrong = std::move(message), cure = std::move(hint);
    };
    if (!parse_formula(c.formula, remember)) {
      return fail(concat("the formula of coefficient '", c.name, "' cannot be read: ", wrong), cure);
    }
  }
  if (!c.sequence.empty() && !find_sequence(c.sequence)) {
    std::vector<std::string> names;
    for (const Sequence& sequence : sequences()) names.emplace_back(sequence.name);
    return fail(concat("unknown sequence '", c.sequence, "'"), base::suggestion(c.sequence, names, "sequences"));
  }
  if (!c.value && c.learn == Learn::shared) {
    return fail(concat("coefficient '", c.name, "' is shared by all steps and cannot start from a ",
                       c.values.empty() ? c.formula.empty() ? "sequence" : "formula" : "list"),
                "learn: per_step");
  }
  const bool finite = std::all_of(c.values.begin(), c.values.end(), [](double value) { return std::isfinite(value); });
  if (!finite || (c.value && !std::isfinite(*c.value)))
    return fail(concat("the value of coefficient '", c.name, "' is not finite"), "give it a number");
  if (!c.range) return;
  if (c.learn == Learn::no) {
    return fail(concat("coefficient '", c.name, "' has a range, and does not learn"),
                "learn: per_step or shared, or no range");
  }
  if (!std::isfinite(c.range->low) || !std::isfinite(c.range->high) || c.range->low >= c.range->high) {
    return fail(concat("the range of coefficient '", c.name, "' is empty"), "range: [low, high] with low < high");
  }
  std::vector<double> numbers = c.values;
  if (c.value) numbers.push_back(*c.value);
  for (const double value : numbers) {
    if (value >= c.range->low && value <= c.range->high) continue;
    return fail(concat("coefficient '", c.name, "' is ", base::number_text(value), ", outside its range [",
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
