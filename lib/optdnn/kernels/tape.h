// Steps written out: values in order, each a linear combination of earlier ones or a module's result.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace optdnn::kernels {

struct TapeTerm {
  int value;
  double weight;
  int learned = -1;  // which learned weight takes the place of `weight`

  bool is_one() const { return learned < 0 && weight == 1.0; }
  bool operator==(const TapeTerm&) const = default;
};

struct TapeOperation {
  int module = -1;              // -1: a linear combination of `terms`, zero without any
  int argument = 0;             // of a module: the value it reads
  std::vector<TapeTerm> terms;  // of a combination
};

struct Tape {
  int inputs = 0;                         // values 0, 1, ... that are given; then one per operation
  std::vector<TapeOperation> operations;  // each reads values before its own
  int values() const { return inputs + static_cast<int>(operations.size()); }

  // Appends a combination and returns its value, which for one term of weight one is that term's, and for a combination
  // that is there already its.
  int add(std::vector<TapeTerm> terms) {
    if (terms.size() == 1 && terms.front().is_one()) return terms.front().value;
    const auto same = [&](const TapeOperation& operation) { return operation.module < 0 && operation.terms == terms; };
    const auto found = std::find_if(operations.begin(), operations.end(), same);
    if (found != operations.end()) return inputs + static_cast<int>(found - operations.begin());
    operations.push_back({-1, 0, std::move(terms)});
    return values() - 1;
  }
};

}  // namespace optdnn::kernels
