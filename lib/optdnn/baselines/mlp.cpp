#include "optdnn/baselines/mlp.h"

#include "optdnn/baselines/kept_states.h"

namespace optdnn::baselines {

void MlpSpec::check(const NetworkShape& shape) const { require_vectors(kName, shape); }

Count MlpSpec::count(const NetworkShape& shape) const {
  Count count;
  int64_t inputs = shape.input.front();
  for (int64_t i = 0; i < depth; ++i, inputs = width)
    count += modules::count_affine(inputs, width) + modules::count_activation(activation, width);
  return count + modules::count_affine(inputs, shape.outputs);
}

models::Network MlpSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(Mlp(*this, shape)), nullptr};
}

MlpImpl::MlpImpl(const MlpSpec& spec, const NetworkShape& shape) : activation_(spec.activation) {
  spec.check(shape);
  int64_t inputs = shape.input.front();
  for (int64_t i = 0; i <= spec.depth; ++i) {
    const int64_t outputs = i == spec.depth ? shape.outputs : spec.width;
    layers_.push_back(register_module(base::concat("layer_", i), modules::Affine(inputs, outputs)));
    inputs = outputs;
  }
}

torch::Tensor MlpImpl::forward(const torch::Tensor& inputs_BD) {
  torch::Tensor x = layers_.front()->forward(inputs_BD);
  for (size_t i = 1; i < layers_.size(); ++i) {
    const torch::Tensor activated = modules::activate(activation_, x);
    keep_state(0, activated);
    x = layers_[i]->forward(activated);
  }
  return x;
}

}  // namespace optdnn::baselines
