#include "optdnn/algorithms/eliminate.h"

#include <cmath>

#include "optdnn/base/text.h"

namespace optdnn::algorithms {

namespace {

constexpr double kSingular = 1e-12;  // against weights of the size of one

// An equation 0 = form, written for the new state `of`.
struct Equation {
  Item of;
  Form form;
};

bool holds_one_of(const Form& form, const std::map<Item, Form>& items) {
  for (const auto& [item, weight] : form) {
    if (items.contains(item)) return true;
  }
  return false;
}

void substitute(Form& form, const Item& item, const Form& value) {
  const auto found = form.find(item);
  if (found == form.end()) return;
  const Weight weight = found->second;
  form.erase(found);
  add_to(form, value, weight);
}

// An equation that reads X = (known) as it stands is best, then one solved for its own state, then the largest weight.
double pivot_score(const Equation& equation, const Item& item, const Weight& weight, const LeafValues& value) {
  const double size = std::abs(weight.value.evaluate<double>(value));
  if (!(size > kSingular)) return 0.0;
  if (!(item == equation.of)) return size;
  return weight.value.is_constant() && weight.value.constant() == -1.0 ? 1e6 : 10.0 * size;
}

}  // namespace

void add_to(Form& form, const Item& item, const Weight& weight) {
  const auto [entry, is_new] = form.try_emplace(item, weight);
  if (!is_new) {
    entry->second.value = entry->second.value + weight.value;
    entry->second.varies |= weight.varies;
  }
  if (entry->second.value.is_zero() && !entry->second.varies) form.erase(entry);
}

void add_to(Form& form, const Form& other, const Weight& factor) {
  for (const auto& [item, weight] : other) {
    add_to(form, item, {weight.value * factor.value, weight.varies || factor.varies});
  }
}

void eliminate_unknowns(Step& step, const Equations& parsed, const LeafValues& value) {
  std::vector<Equation> equations;
  for (const auto& [item, form] : step.defined) {
    if (!holds_one_of(form, step.defined)) continue;
    equations.push_back({item, form});
    add_to(equations.back().form, item, {Scalar(-1.0)});
  }
  std::map<Item, Form> solved = step.defined;
  std::map<Item, Form> open;  // the items still to be solved for
  for (const Equation& equation : equations) open[equation.of];
  for (auto& equation : equations) {
    for (const auto& [item, form] : step.defined) {
      if (!open.contains(item)) substitute(equation.form, item, form);
    }
  }
  while (!equations.empty()) {
    double best = 0.0;
    size_t row = 0;
    Item pivot;
    for (size_t i = 0; i < equations.size(); ++i) {
      for (const auto& [item, weight] : equations[i].form) {
        const double score = open.contains(item) ? pivot_score(equations[i], item, weight, value) : 0.0;
        if (score > best) best = score, row = i, pivot = item;
      }
    }
    if (best == 0.0) {
      const Line& line = parsed.lines[equations.front().of.name];
      throw StepError{line.target, base::concat("singular: the equations do not determine ", line.name, "[k+1]"),
                      "outside of modules the new states appear on both sides and cancel"};
    }
    Form found = std::move(equations[row].form);
    equations.erase(equations.begin() + static_cast<std::ptrdiff_t>(row));
    const Weight weight = found.extract(pivot).mapped();
    if (!(weight.value.is_constant() && weight.value.constant() == -1.0)) {
      Form scaled;
      add_to(scaled, found, {Scalar(-1.0) / weight.value, weight.varies});
      found = std::move(scaled);
    }
    open.erase(pivot);
    for (auto& equation : equations) substitute(equation.form, pivot, found);
    for (auto& [item, form] : solved) substitute(form, pivot, found);
    solved[pivot] = std::move(found);
  }
  for (auto& [item, site] : step.calls) {
    for (const auto& [unknown, form] : solved) substitute(site.form, unknown, form);
  }
  step.defined = std::move(solved);
}

}  // namespace optdnn::algorithms
