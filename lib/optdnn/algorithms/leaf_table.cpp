#include "optdnn/algorithms/leaf_table.h"

#include <algorithm>
#include <limits>

namespace optdnn::algorithms {

bool LeafTable::has(int coefficient) const {
  const auto first = values_.lower_bound({coefficient, {}});
  return first != values_.end() && first->first.coefficient == coefficient;
}

double LeafTable::at(const Leaf& leaf) const {
  const auto past = values_.upper_bound({leaf.coefficient, {std::numeric_limits<int>::max()}});
  const Leaf& last = std::prev(past)->first;
  Leaf held = leaf;
  if (!leaf.indices.empty() && leaf.indices.front() > last.indices.front()) {
    const int beyond = leaf.indices.front() - last.indices.front();
    for (int& index : held.indices) index = std::max(0, index - beyond);
  }
  // A tuple no step uses, as its result is never read, takes the nearest one below it.
  auto found = values_.upper_bound(held);
  if (found != values_.begin() && std::prev(found)->first.coefficient == leaf.coefficient) --found;
  return found->second;
}

LeafTable initial_values(const Rule& rule, int depth) {
  std::set<Leaf> leaves;
  for (int k = 0; k < depth; ++k) collect_leaves(rule.step(k), leaves);
  for (const Row& row : {rule.start(), rule.output(depth)}) {
    for (const Term& term : row) term.value.collect_leaves(leaves);
  }
  std::map<Leaf, double> values;
  for (const Leaf& leaf : leaves) values[leaf] = rule.initial_value(leaf);
  return LeafTable(std::move(values));
}

}  // namespace optdnn::algorithms
