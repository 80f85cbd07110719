#include "optdnn/modules/dense_two_layer.h"

namespace optdnn::modules {

DenseTwoLayer::DenseTwoLayer(int64_t width, int64_t hidden, Activation activation)
    : layer1_(width, hidden), layer2_(hidden, width), activation_(activation) {
  register_module("layer1", layer1_);
  register_module("layer2", layer2_);
}

torch::Tensor DenseTwoLayer::forward(const torch::Tensor& x, int64_t /*step*/) {
  return layer2_->forward(activate(activation_, layer1_->forward(x)));
}

}  // namespace optdnn::modules
