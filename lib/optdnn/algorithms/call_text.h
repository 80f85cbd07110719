// Indices with numbers put in, and the text by which calls are told apart:
//
//   T(x[k-1]) at k = 5   ->   name "T(x[{0}])", base 4
//
// Every index that moves with k is written relative to the largest of them, the base, so that calls which differ only
// by a shift of every index have the same name. An absolute index stays as it is, unless there are no others.
#pragma once

#include "optdnn/algorithms/rule.h"
#include "optdnn/algorithms/syntax.h"

namespace optdnn::algorithms {

struct IndexValue {
  int value = 0;
  bool is_absolute = false;  // does not move with k
};

// k and the variables of the enclosing sums.
struct Bindings {
  enum class Moves { no, with_k, freely };  // freely: a sum that grows with k
  struct Variable {
    std::string name;
    int value;
    Moves moves;
  };

  int k = 0;
  std::vector<Variable> variables;

  const Variable& variable(const std::string& name) const;
  // Errors: StepError if the index moves other than by one with each step.
  IndexValue value(const Index& index) const;
  // The number of terms is the same for every k.
  bool is_window(const Expression& sum) const { return moves(sum) != Moves::freely; }
  Moves moves(const Expression& sum) const;

  // Binds the sum's variable to its values in turn.
  template <class Use>
  void for_each(const Expression& sum, Use use) {
    const Moves how = moves(sum);
    const int low = value(sum.indices[0]).value, high = value(sum.indices[1]).value;
    for (int j = low; j <= high; ++j) {
      variables.push_back({sum.name, j, how});
      use();
      variables.pop_back();
    }
  }
};

struct CallText {
  std::string name, argument;
  int base = 0;
  bool is_absolute = false;  // no index moves with k
  int visits = 0;            // pieces it took
};

CallText call_text(const Expression& call, const std::vector<Coefficient>& coefficients, Bindings& bindings);

// "T(x[{0}])" with base 4 at k = 5 -> "T(x[k-1])". With `zero_is_absolute` the index 0 is written as 0 after step 0.
std::string text_at(const std::string& name, int base, int k, bool zero_is_absolute);

}  // namespace optdnn::algorithms
