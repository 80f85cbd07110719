#include "optdnn/kernels/linear_map.h"

namespace optdnn::kernels {

namespace {

// The combinations that `wanted` follow from; `wanted` gets their new numbers.
Combinations pruned(const Combinations& all, const std::vector<int*>& wanted) {
  std::vector<bool> needed(all.values());
  for (const int* value : wanted) needed[*value] = true;
  for (int v = all.values(); v-- > all.inputs;) {
    if (!needed[v]) continue;
    for (const Term& term : all.made[v - all.inputs]) needed[term.value] = true;
  }
  Combinations left{all.inputs, {}};
  std::vector<int> number(all.values(), -1);
  for (int v = 0; v < all.values(); ++v) {
    if (v < all.inputs) {
      number[v] = v;
    } else if (needed[v]) {
      Terms terms = all.made[v - all.inputs];
      for (Term& term : terms) term.value = number[term.value];
      left.made.push_back(std::move(terms));
      number[v] = left.values() - 1;
    }
  }
  for (int* value : wanted) *value = number[*value];
  return left;
}

// By value the weights of the inputs in it; empty where some are learned.
std::vector<std::vector<double>> weights_of_inputs(const Combinations& all) {
  std::vector<std::vector<double>> weights(all.values(), std::vector<double>(all.inputs));
  for (int input = 0; input < all.inputs; ++input) weights[input][input] = 1;
  for (int v = all.inputs; v < all.values(); ++v) {
    for (const Term& term : all.made[v - all.inputs]) {
      if (!term.is_constant()) return {};
      for (int input = 0; input < all.inputs; ++input) weights[v][input] += term.weight * weights[term.value][input];
    }
  }
  return weights;
}

}  // namespace

LinearMap::LinearMap(Combinations of, std::vector<int> kept_values)
    : combinations(std::move(of)), outputs(std::move(kept_values)) {
  if (const auto weights = weights_of_inputs(combinations); !weights.empty()) {
    for (const int output : outputs) matrix.push_back(weights[output]);
  }
  // The gradient of a value: that of the output it is, and those of the values it is a term of.
  std::vector<Terms> terms(combinations.values());
  for (size_t i = 0; i < outputs.size(); ++i) terms[outputs[i]].push_back({static_cast<int>(i), 1.0});
  transposed.inputs = static_cast<int>(outputs.size());
  std::vector<int> gradient(combinations.values());
  for (int v = combinations.values(); v-- > 0;) {
    gradient[v] = transposed.add(terms[v]);
    if (v < combinations.inputs) continue;
    for (const Term& term : combinations.made[v - combinations.inputs]) {
      terms[term.value].push_back({gradient[v], term.weight, term.learned});
      if (!term.is_constant()) dots.push_back({term.value, gradient[v], term.learned});
    }
  }
  gradients.assign(gradient.begin(), gradient.begin() + combinations.inputs);

  std::vector<int*> wanted;
  for (Dot& dot : dots) wanted.push_back(&dot.a);
  again = pruned(combinations, wanted);
  kept.assign(combinations.inputs, false);
  const auto keep = [&](int value) {
    if (value < combinations.inputs) kept[value] = true;
  };
  for (const Dot& dot : dots) keep(dot.a);
  for (const Terms& read : again.made) {
    for (const Term& term : read) keep(term.value);
  }
}

}  // namespace optdnn::kernels
