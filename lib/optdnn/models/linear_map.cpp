#include "optdnn/models/linear_map.h"

namespace optdnn::models {

namespace {

// The operations that `wanted` follow from; `wanted` gets their new numbers.
Tape pruned(const Tape& tape, const std::vector<int*>& wanted) {
  std::vector<bool> needed(tape.values());
  for (const int* value : wanted) needed[*value] = true;
  for (int v = tape.values(); v-- > tape.inputs;) {
    if (!needed[v]) continue;
    for (const TapeTerm& term : tape.operations[v - tape.inputs].terms) needed[term.value] = true;
  }
  Tape left{tape.inputs, {}};
  std::vector<int> number(tape.values(), -1);
  for (int v = 0; v < tape.values(); ++v) {
    if (v < tape.inputs) {
      number[v] = v;
    } else if (needed[v]) {
      auto terms = tape.operations[v - tape.inputs].terms;
      for (TapeTerm& term : terms) term.value = number[term.value];
      left.operations.push_back({-1, 0, std::move(terms)});
      number[v] = left.values() - 1;
    }
  }
  for (int* value : wanted) *value = number[*value];
  return left;
}

}  // namespace

LinearMap::LinearMap(Tape of, std::vector<int> kept_values) : tape(std::move(of)), outputs(std::move(kept_values)) {
  // The gradient of a value: that of the output it is, and those of the values it is a term of.
  std::vector<std::vector<TapeTerm>> terms(tape.values());
  for (size_t i = 0; i < outputs.size(); ++i) terms[outputs[i]].push_back({static_cast<int>(i), 1.0});
  back.inputs = static_cast<int>(outputs.size());
  std::vector<int> gradient(tape.values());
  for (int v = tape.values(); v-- > 0;) {
    gradient[v] = back.add(terms[v]);
    if (v < tape.inputs) continue;
    for (const TapeTerm& term : tape.operations[v - tape.inputs].terms) {
      terms[term.value].push_back({gradient[v], term.weight, term.learned});
      if (term.learned >= 0) dots.push_back({term.value, gradient[v], term.learned});
    }
  }
  gradients.assign(gradient.begin(), gradient.begin() + tape.inputs);

  std::vector<int*> wanted;
  for (TapeDot& dot : dots) wanted.push_back(&dot.a);
  again = pruned(tape, wanted);
  kept.assign(tape.inputs, false);
  const auto keep = [&](int value) {
    if (value < tape.inputs) kept[value] = true;
  };
  for (const TapeDot& dot : dots) keep(dot.a);
  for (const TapeOperation& operation : again.operations) {
    for (const TapeTerm& term : operation.terms) keep(term.value);
  }
}

}  // namespace optdnn::models
