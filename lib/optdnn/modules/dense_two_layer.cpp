#include "optdnn/modules/dense_two_layer.h"

#include "optdnn/modules/two_layer_kernel.h"

namespace optdnn::modules {

DenseTwoLayer::DenseTwoLayer(int64_t width, int64_t hidden, Activation activation)
    : layer1_(width, hidden), layer2_(hidden, width), activation_(activation) {
  register_module("layer1", layer1_);
  register_module("layer2", layer2_);
}

torch::Tensor DenseTwoLayer::forward(const torch::Tensor& x, int64_t /*step*/) {
  const TwoLayerWeights weights{layer1_->weight, layer1_->bias, layer2_->weight, layer2_->bias};
  return two_layer_kernel_fits(x, weights, activation_) ? two_layer_kernel(x, weights, activation_)
                                                        : two_layer_plain(x, weights, activation_);
}

}  // namespace optdnn::modules
