// What a value may be besides its type, written where the field is listed:
//
//   f("momentum", momentum, at_least(0) & less_than(1), "share of the previous step that is kept");
//
// A constraint on a list holds for each of its elements; `not_empty` is for the list itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::config {

struct Constraint {
  struct Bound {
    double value = 0;
    bool open = false;  // the bound itself is outside
  };
  std::optional<Bound> low{};
  std::optional<Bound> high{};
  bool not_empty = false;  // of a list, a map or a text

  bool admits(double value) const;
  // "> 0", ">= 1 and < 2", "from 0 to 1"; empty if nothing is constrained
  std::string text() const;
};

Constraint above(double low);
Constraint at_least(double low);
Constraint less_than(double high);
Constraint at_most(double high);
Constraint between(double low, double high);  // both included
Constraint not_empty();

// Where both bound the same side, b's bound counts.
Constraint operator&(Constraint a, const Constraint& b);

}  // namespace optdnn::config
