// The values of learnable coefficients by index tuple. A tuple beyond the table holds the last value: one learned per
// step for K steps stays, from step K on, what it was in the last of them.
#pragma once

#include <map>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

class LeafTable {
 public:
  explicit LeafTable(std::map<Leaf, double> values) : values_(std::move(values)) {}

  // Whether the table has values of that coefficient; one that no step needs has none.
  bool has(int coefficient) const;
  // Requires has(leaf.coefficient).
  double at(const Leaf& leaf) const;
  const std::map<Leaf, double>& values() const& { return values_; }
  std::map<Leaf, double> values() && { return std::move(values_); }  // so that a loop may go over a temporary's

 private:
  std::map<Leaf, double> values_;
};

// What the learnable coefficients of the first `depth` steps start from.
LeafTable initial_values(const Rule& rule, int depth);

}  // namespace optdnn::algorithms
