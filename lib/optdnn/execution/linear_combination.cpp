#include "optdnn/execution/linear_combination.h"

#include <algorithm>

namespace optdnn::execution {

namespace {

// One weight per run is broadcast over the run's samples and features.
torch::Tensor broadcast(const torch::Tensor& weight) { return weight.dim() == 0 ? weight : weight.view({-1, 1, 1}); }

bool is_plain(const WeightedTensor& term) { return !term.learned.defined(); }
bool is_one(const WeightedTensor& term) { return is_plain(term) && term.weight == 1.0; }

torch::Tensor scaled(const WeightedTensor& term) {
  if (is_one(term)) return term.tensor;
  return is_plain(term) ? term.tensor * term.weight : term.tensor * broadcast(term.learned);
}

torch::Tensor plus(const torch::Tensor& sum, const WeightedTensor& term) {
  if (is_plain(term)) return torch::add(sum, term.tensor, term.weight);
  // Autocast on a GPU computes addcmul in float32, and the state would stay so.
  if (term.tensor.element_size() < 4) return sum + scaled(term);
  return torch::addcmul(sum, term.tensor, broadcast(term.learned));
}

// lerp wants one number type; under autocast a convolution's result and a norm's may differ.
bool is_mean_of_two(const std::vector<WeightedTensor>& terms) {
  return terms.size() == 2 && is_plain(terms[0]) && is_plain(terms[1]) && terms[0].weight + terms[1].weight == 1.0 &&
         terms[0].tensor.scalar_type() == terms[1].tensor.scalar_type();
}

}  // namespace

torch::Tensor linear_combination(const std::vector<WeightedTensor>& terms) {
  if (is_mean_of_two(terms)) return torch::lerp(terms[0].tensor, terms[1].tensor, terms[1].weight);
  const auto found = std::find_if(terms.begin(), terms.end(), is_one);
  const auto first = found == terms.end() ? terms.begin() : found;
  torch::Tensor sum = scaled(*first);
  for (auto term = terms.begin(); term != terms.end(); ++term) {
    if (term != first) sum = plus(sum, *term);
  }
  return sum;
}

std::vector<WeightedTensor> weighted(const kernels::Terms& terms, const std::vector<torch::Tensor>& values,
                                     at::TensorList learned) {
  std::vector<WeightedTensor> weighted;
  weighted.reserve(terms.size());
  for (const kernels::Term& term : terms) {
    weighted.push_back({values[term.value], term.weight, term.is_constant() ? torch::Tensor() : learned[term.learned]});
  }
  return weighted;
}

torch::Tensor combine(const kernels::Terms& terms, const std::vector<torch::Tensor>& values, at::TensorList learned) {
  return terms.empty() ? zeros_like_values(values) : linear_combination(weighted(terms, values, learned));
}

torch::Tensor zeros_like_values(const std::vector<torch::Tensor>& values) {
  const auto found = std::find_if(values.begin(), values.end(), [](const auto& value) { return value.defined(); });
  TORCH_CHECK(found != values.end(), "[zeros_like_values] wanted a value, all have been read for the last time");
  return torch::zeros_like(*found);
}

std::vector<torch::Tensor> pick(const std::vector<torch::Tensor>& values, const std::vector<int>& wanted) {
  std::vector<torch::Tensor> picked;
  picked.reserve(wanted.size());
  for (const int value : wanted) picked.push_back(values[value]);
  return picked;
}

}  // namespace optdnn::execution
