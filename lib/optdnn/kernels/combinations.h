// Linear combinations written out: values in order, the first ones given, each of the others a sum of earlier ones.
//
//   v_i = sum over its terms of weight * v_value,    no terms: zero
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace optdnn::kernels {

// One term of a combination, from a program (execution/program.h) down to the loops.
struct Term {
  int value;
  double weight = 1.0;
  int learned = -1;  // which learned weight takes the place of `weight`

  bool is_constant() const { return learned < 0; }
  bool is_one() const { return learned < 0 && weight == 1.0; }
  bool operator==(const Term&) const = default;
};
using Terms = std::vector<Term>;

struct Combinations {
  int inputs = 0;           // values 0, 1, ... that are given; then one per combination
  std::vector<Terms> made;  // each of values before its own

  int values() const { return inputs + static_cast<int>(made.size()); }

  // Appends a combination and returns its value, which for one term of weight one is that term's, and for a combination
  // that is there already its.
  int add(Terms terms) {
    if (terms.size() == 1 && terms.front().is_one()) return terms.front().value;
    const auto found = std::find(made.begin(), made.end(), terms);
    if (found != made.end()) return inputs + static_cast<int>(found - made.begin());
    made.push_back(std::move(terms));
    return values() - 1;
  }
};

}  // namespace optdnn::kernels
