#include "optdnn/modules/conv_postact.h"

namespace optdnn::modules {

namespace {

class ConvPostact : public Module {
 public:
  ConvPostact(int64_t width, Activation activation, NormKind norm, int64_t uses)
      : conv1_(register_module("conv1", Convolution(width, width, 3))),
        norm1_(register_module("norm1", Norm(norm, width, uses))),
        conv2_(register_module("conv2", Convolution(width, width, 3))),
        norm2_(register_module("norm2", Norm(norm, width, uses))),
        activation_(activation) {}

  torch::Tensor forward(const torch::Tensor& x, int64_t step) override {
    const NormedRelu hidden = norm1_->to_make_after(conv1_, x, activation_, step);
    return norm2_->forward(conv2_->forward(hidden), step);
  }

  // The norm undoes any scale of the convolution before it, so it is the norm that ends T where there is one.
  std::vector<torch::Tensor> last_layer() override {
    if (norm2_->weight.defined()) return {norm2_->weight, norm2_->bias};
    return {conv2_->weight};
  }

 private:
  Convolution conv1_;
  Norm norm1_;
  Convolution conv2_;
  Norm norm2_;
  Activation activation_;
};

}  // namespace

Count ConvPostactSpec::count(int64_t width, const Extent& at) const {
  const Count convolution = count_convolution(width, width, 3, at);
  const Count hidden = count_activated_norm(norm, activation, width, at.positions());
  if (norm == NormKind::none) return convolution + hidden + ending(convolution);
  return convolution + hidden + convolution + ending(count_norm(norm, width, at.positions()));
}

std::shared_ptr<Module> ConvPostactSpec::make(int64_t width, int64_t uses, Steps) const {
  return std::make_shared<ConvPostact>(width, activation, norm, uses);
}

}  // namespace optdnn::modules
