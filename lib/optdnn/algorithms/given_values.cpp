#include "optdnn/algorithms/given_values.h"

#include <algorithm>
#include <numeric>

#include "optdnn/algorithms/sequences.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

namespace {

using Kind = Expression::Kind;

constexpr std::string_view kFormulaLine = "f[k] = ";  // what makes a line of the rule language of it

// Nothing for what a formula may not hold.
std::optional<double> formula_value(const Expression& node, double k) {
  if (node.kind == Kind::number) return node.number;
  if (node.kind == Kind::name) return node.name == "k" && node.indices.empty() ? std::optional(k) : std::nullopt;
  std::vector<double> parts;
  for (const Expression& child : node.children) {
    const auto value = formula_value(child, k);
    if (!value) return std::nullopt;
    parts.push_back(*value);
  }
  switch (node.kind) {
    case Kind::add:
      return std::accumulate(parts.begin(), parts.end(), 0.0);
    case Kind::multiply:
      return parts[0] * parts[1];
    case Kind::divide:
      return parts[0] / parts[1];
    case Kind::negate:
      return -parts[0];
    default:
      return std::nullopt;
  }
}

const Expression* unreadable(const Expression& node) {
  if (node.kind == Kind::number || (node.kind == Kind::name && node.name == "k" && node.indices.empty()))
    return nullptr;
  const bool inner =
      node.kind == Kind::add || node.kind == Kind::multiply || node.kind == Kind::divide || node.kind == Kind::negate;
  if (!inner) return &node;
  for (const Expression& child : node.children) {
    if (const Expression* found = unreadable(child)) return found;
  }
  return nullptr;
}

}  // namespace

int count_given(const Coefficient& c) {
  return (c.value ? 1 : 0) + (c.sequence.empty() ? 0 : 1) + (c.values.empty() ? 0 : 1) + (c.formula.empty() ? 0 : 1);
}

std::optional<int> indices_taken(const Coefficient& c) {
  if (c.value) return std::nullopt;
  if (!c.sequence.empty()) {
    const Sequence* sequence = find_sequence(c.sequence);
    return sequence ? std::optional(sequence->indices) : std::nullopt;
  }
  return 1;
}

std::string given_text(const Coefficient& c) {
  if (c.value) return base::number_text(*c.value);
  if (!c.sequence.empty()) return c.sequence;
  if (!c.formula.empty()) return c.formula;
  std::vector<std::string> texts;
  for (const double value : c.values) texts.push_back(base::number_text(value));
  return base::concat("[", base::join(texts, ", "), "]", c.repeat ? ", repeated" : "");
}

std::optional<double> given_value(const Coefficient& c, const std::vector<int>& indices) {
  if (c.value) return *c.value;
  if (std::any_of(indices.begin(), indices.end(), [](int index) { return index < 0; })) return std::nullopt;
  if (static_cast<int>(indices.size()) != indices_taken(c)) return std::nullopt;
  if (!c.sequence.empty()) return find_sequence(c.sequence)->value(indices);
  const int k = indices.front();
  if (!c.formula.empty()) return formula_value(*parse_formula(c.formula, [](auto&&...) {}), k);
  const int count = static_cast<int>(c.values.size());
  return c.values[c.repeat ? k % count : std::min(k, count - 1)];
}

std::optional<Expression> parse_formula(const std::string& formula, const Report& report) {
  const auto shifted = [&](Place place, std::string message) {
    place.offset = place.offset > kFormulaLine.size() ? place.offset - kFormulaLine.size() : 0;
    report(place, std::move(message), "numbers, k and + - * / alone, as in (k-1)/(k+2)");
  };
  bool sound = true;
  const Equations parsed = parse_equations(std::string(kFormulaLine) + formula, [&](Place place, auto message, auto) {
    sound = false;
    shifted(place, std::move(message));
  });
  if (!sound) return std::nullopt;
  if (parsed.lines.size() != 1) {
    report({0, formula.size()}, "a formula is one expression in k", "as in (k-1)/(k+2)");
    return std::nullopt;
  }
  const Expression& root = parsed.lines.front().right;
  if (const Expression* found = unreadable(root)) {
    shifted(found->place, "this is not part of a formula");
    return std::nullopt;
  }
  return root;
}

}  // namespace optdnn::algorithms
