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

using Weights = std::vector<std::optional<double>>;

// By value the weights of the inputs in it; nothing where learned ones are in them.
std::vector<Weights> weights_of_inputs(const Combinations& all) {
  std::vector<Weights> weights(all.values(), Weights(all.inputs, 0.0));
  for (int input = 0; input < all.inputs; ++input) weights[input][input] = 1;
  for (int v = all.inputs; v < all.values(); ++v) {
    for (const Term& term : all.made[v - all.inputs]) {
      for (int input = 0; input < all.inputs; ++input) {
        std::optional<double>& weight = weights[v][input];
        const std::optional<double>& of_value = weights[term.value][input];
        if (of_value == 0.0) continue;
        weight =
            weight && of_value && term.is_constant() ? std::optional(*weight + term.weight * *of_value) : std::nullopt;
      }
    }
  }
  return weights;
}

}  // namespace

LinearMap::LinearMap(Combinations of, std::vector<int> kept_values)
    : combinations(std::move(of)), outputs(std::move(kept_values)) {
  const auto weights = weights_of_inputs(combinations);
  for (const int output : outputs) matrix.push_back(weights[output]);
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
