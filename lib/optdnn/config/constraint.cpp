#include "optdnn/config/constraint.h"

#include "optdnn/base/text.h"

namespace optdnn::config {

using base::concat;
using base::number_text;

bool Constraint::admits(double value) const {
  if (low && (low->open ? !(value > low->value) : !(value >= low->value))) return false;
  if (high && (high->open ? !(value < high->value) : !(value <= high->value))) return false;
  return true;
}

std::string Constraint::text() const {
  if (low && high && !low->open && !high->open) {
    return concat("from ", number_text(low->value), " to ", number_text(high->value));
  }
  const std::string lower = low ? concat(low->open ? "> " : ">= ", number_text(low->value)) : "";
  const std::string upper = high ? concat(high->open ? "< " : "<= ", number_text(high->value)) : "";
  return concat(lower, low && high ? " and " : "", upper);
}

Constraint above(double low) { return {.low = Constraint::Bound{low, true}}; }
Constraint at_least(double low) { return {.low = Constraint::Bound{low, false}}; }
Constraint less_than(double high) { return {.high = Constraint::Bound{high, true}}; }
Constraint at_most(double high) { return {.high = Constraint::Bound{high, false}}; }
Constraint between(double low, double high) { return at_least(low) & at_most(high); }
Constraint not_empty() { return {.not_empty = true}; }

Constraint operator&(Constraint a, const Constraint& b) {
  if (b.low) a.low = b.low;
  if (b.high) a.high = b.high;
  a.not_empty |= b.not_empty;
  return a;
}

}  // namespace optdnn::config
