// Runs a rule by its tableau on vectors of any number type: the reference is elsewhere, this is what is tested.
#pragma once

#include <vector>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

template <class Number>
using Vector = std::vector<Number>;

template <class Number, class LeafValue>
void add_rows(const Row& row, const std::vector<Vector<Number>>& from, const LeafValue& leaf_value,
              Vector<Number>& sum) {
  for (const Term& term : row) {
    const Number weight = term.value.evaluate<Number>(leaf_value);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] = sum[i] + weight * from[term.column][i];
  }
}

// module(family, k, fresh, argument) -> result; leaf_value(leaf) -> Number. Requires an explicit rule.
template <class Number, class Module, class LeafValue>
Vector<Number> run_tableau(const Rule& rule, int depth, const Vector<Number>& input, const Module& module,
                           const LeafValue& leaf_value) {
  std::vector<Vector<Number>> state(rule.step(0).states.size(), Vector<Number>(input.size(), Number(0.0)));
  for (const Term& term : rule.start()) add_rows<Number>({{0, term.value}}, {input}, leaf_value, state[term.column]);
  for (int k = 0; k < depth; ++k) {
    const Tableau t = rule.step(k);
    std::vector<Vector<Number>> results(t.calls.size(), Vector<Number>(input.size(), Number(0.0)));
    for (size_t i = 0; i < t.calls.size(); ++i) {
      Vector<Number> argument(input.size(), Number(0.0));
      add_rows(t.C.rows[i], state, leaf_value, argument);
      add_rows(t.D.rows[i], results, leaf_value, argument);
      results[i] = module(t.calls[i].family, k, t.calls[i].fresh, argument);
    }
    std::vector<Vector<Number>> next(t.next_states.size(), Vector<Number>(input.size(), Number(0.0)));
    for (size_t i = 0; i < next.size(); ++i) {
      add_rows(t.A.rows[i], state, leaf_value, next[i]);
      add_rows(t.B.rows[i], results, leaf_value, next[i]);
    }
    state = std::move(next);
  }
  Vector<Number> output(input.size(), Number(0.0));
  add_rows(rule.output(depth), state, leaf_value, output);
  return output;
}

}  // namespace optdnn::algorithms
