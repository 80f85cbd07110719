#include "optdnn/modules/dense_two_layer.h"

#include "optdnn/modules/normalisation.h"

namespace optdnn::modules {

Count DenseTwoLayerSpec::count(int64_t width, const Extent&) const {
  return count_affine(width, hidden) + count_activation(activation, hidden) + ending(count_affine(hidden, width));
}

std::shared_ptr<Module> DenseTwoLayerSpec::make(int64_t width, int64_t /*uses*/, Steps) const {
  return std::make_shared<DenseTwoLayer>(width, hidden, activation, lipschitz);
}

DenseTwoLayer::DenseTwoLayer(int64_t width, int64_t hidden, Activation activation, std::optional<double> lipschitz)
    : layer1_(width, hidden), layer2_(hidden, width), activation_(activation), lipschitz_(lipschitz) {
  register_module("layer1", layer1_);
  register_module("layer2", layer2_);
}

TwoLayerWeights DenseTwoLayer::weights() const {
  TwoLayerWeights weights{layer1_->weight, layer1_->bias, layer2_->weight, layer2_->bias};
  if (lipschitz_) {
    const torch::Tensor norms = spectral_norm(weights.W1) * spectral_norm(weights.W2);
    weights.W2 = weights.W2 * lipschitz_scale(*lipschitz_, norms, activation_).unsqueeze(-1).unsqueeze(-1);
  }
  return weights;
}

torch::Tensor DenseTwoLayer::evaluate(const torch::Tensor& x, const TwoLayerWeights& w) const {
  return affine(activate(activation_, affine(x, w.W1, w.b1)), w.W2, w.b2);
}

Function DenseTwoLayer::at_step(int64_t /*step*/) {
  return [this, used = weights()](const torch::Tensor& x) { return evaluate(x, used); };
}

}  // namespace optdnn::modules
