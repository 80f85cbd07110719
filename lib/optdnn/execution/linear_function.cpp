#include "optdnn/execution/linear_function.h"

#include <algorithm>

#include "optdnn/execution/linear_combination.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::execution {

using torch::Tensor;

variable_list by_operators(const kernels::Combinations& combinations, const variable_list& inputs,
                           at::TensorList learned) {
  variable_list values = inputs;
  for (const kernels::Terms& terms : combinations.made) values.push_back(combine(terms, values, learned));
  return values;
}

void LinearFunction::gradients_lie_as(const Tensor& input) {
  sizes_ = input.sizes().vec();
  strides_ = input.strides().vec();
  options_ = input.options().requires_grad(false);
}

void LinearFunction::as_inputs_lie(variable_list& gradients) const {
  for (Tensor& gradient : gradients) {
    if (gradient.defined()) gradient = kernels::laid_as(gradient, strides_);
  }
}

LinearFunction::Saved LinearFunction::unpack(const variable_list& saved) const {
  const auto norms = 3 * std::ssize(normed_), inputs = std::count(map_->kept.begin(), map_->kept.end(), true);
  auto next = saved.end() - norms - inputs;
  Saved unpacked{variable_list(map_->combinations.inputs), variable_list(saved.begin(), next), {}};
  for (int i = 0; i < map_->combinations.inputs; ++i) {
    if (map_->kept[i]) unpacked.inputs[i] = *next++;
  }
  for (; next != saved.end(); next += 3) unpacked.norms.push_back({next[0], next[1], next[2]});
  return unpacked;
}

variable_list LinearFunction::differentiable_backward(const variable_list& packed, variable_list gradients) const {
  for (Tensor& gradient : gradients) {
    if (!gradient.defined()) gradient = torch::empty_strided(sizes_, strides_, options_).zero_();
  }
  as_inputs_lie(gradients);
  const Saved saved = unpack(packed);
  variable_list of_norms;
  for (size_t i = 0; i < normed_.size(); ++i) {
    const auto& [x, weight, bias] = saved.norms[i];
    const auto found = modules::batch_norm_relu_gradients(gradients[map_->outputs.size() + i], x, weight, bias,
                                                          normed_[i].norm.epsilon);
    Tensor& gradient = gradients[normed_[i].output];
    gradient = gradient + found[0];
    of_norms.insert(of_norms.end(), found.begin() + 1, found.end());
  }
  gradients.resize(map_->outputs.size());
  const variable_list values = by_operators(map_->again, saved.inputs, saved.learned);
  const variable_list found = by_operators(map_->transposed, gradients, saved.learned);
  variable_list all = pick(found, map_->gradients), sums(saved.learned.size());
  for (const kernels::Dot& dot : map_->dots) {
    const Tensor product = (values[dot.a] * found[dot.b]).sum();
    sums[dot.learned] = sums[dot.learned].defined() ? sums[dot.learned] + product : product;
  }
  all.insert(all.end(), sums.begin(), sums.end());
  all.insert(all.end(), of_norms.begin(), of_norms.end());
  return all;
}

}  // namespace optdnn::execution
