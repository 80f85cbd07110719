#include "optdnn/models/linear_combination.h"

#include <algorithm>

namespace optdnn::models {

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

}  // namespace optdnn::models
