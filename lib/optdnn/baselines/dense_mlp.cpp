#include "optdnn/baselines/dense_mlp.h"

#include "optdnn/baselines/kept_states.h"

namespace optdnn::baselines {

void DenseMlpSpec::check(const NetworkShape& shape) const { require_vectors(kName, shape); }

// What a layer reads is a value of its own.
Count DenseMlpSpec::count(const NetworkShape& shape) const {
  Count count;
  int64_t inputs = shape.input.front();
  for (int64_t i = 0; i < depth; ++i, inputs += growth) {
    count += modules::count_affine(inputs, growth) + modules::count_activation(activation, growth);
    count += {0, 0, inputs + growth};
  }
  return count + modules::count_affine(inputs, shape.outputs);
}

models::Network DenseMlpSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(DenseMlp(*this, shape)), nullptr};
}

DenseMlpImpl::DenseMlpImpl(const DenseMlpSpec& spec, const NetworkShape& shape) : activation_(spec.activation) {
  spec.check(shape);
  for (int64_t i = 0; i <= spec.depth; ++i) {
    const int64_t inputs = shape.input.front() + i * spec.growth;
    const int64_t outputs = i == spec.depth ? shape.outputs : spec.growth;
    layers_.push_back(register_module(base::concat("layer_", i), modules::Affine(inputs, outputs)));
  }
}

torch::Tensor DenseMlpImpl::forward(const torch::Tensor& inputs_BD) {
  torch::Tensor all = inputs_BD;
  keep_state(0, all);
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    all = torch::cat({all, modules::activate(activation_, layers_[i]->forward(all))}, -1);
    keep_state(0, all);
  }
  return layers_.back()->forward(all);
}

}  // namespace optdnn::baselines
