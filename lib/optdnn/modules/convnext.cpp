#include "optdnn/modules/convnext.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/modules/gpu_columns.h"

namespace optdnn::modules {

void ConvNextSpec::check(int64_t /*width*/) const {
  if (kernel_px % 2 == 0) {
    throw base::ConfigError(base::concat("module 'convnext' wants an odd kernel_px, not ", kernel_px));
  }
}

Count ConvNextSpec::count(int64_t width, const Extent& at) const {
  Count count = count_convolution(1, width, kernel_px, at, /*with_bias=*/true) +
                count_norm(NormKind::layer, width, at.positions()) +
                count_two_layers(width, expansion * width, activation, at.positions());
  if (layer_scale > 0) count += {width, 0, width * at.positions()};
  return count;
}

std::shared_ptr<Module> ConvNextSpec::make(int64_t width, int64_t /*uses*/, Steps steps) const {
  return std::make_shared<ConvNext>(*this, width, steps);
}

ConvNext::ConvNext(const ConvNextSpec& spec, int64_t width, Steps steps)
    : drop_path_(spec.drop_path),
      steps_(steps),
      conv_dw_(register_module(
          "conv_dw", BiasedConvolution(width, width, Window{spec.kernel_px, 1, spec.kernel_px / 2}, /*groups=*/width))),
      norm_(register_module("norm", LastNorm(width))),
      mlp_(register_module("mlp", TwoLayers(width, spec.expansion * width, spec.activation))) {
  if (spec.layer_scale > 0) gamma_ = register_parameter("gamma", torch::full({width}, spec.layer_scale));
}

torch::Tensor ConvNext::forward(const torch::Tensor& x_BCHW, int64_t step) {
  const torch::Tensor filtered_BHWC = conv_dw_->forward(x_BCHW).permute({0, 2, 3, 1});
  torch::Tensor y_BHWC = mlp_->forward(norm_->forward(filtered_BHWC, NormReader::product));
  if (gamma_.defined()) {
    y_BHWC = gpu_layer_scale_fits(y_BHWC, gamma_) ? gpu_layer_scale(y_BHWC, gamma_) : y_BHWC * gamma_;
  }
  return drop_path(y_BHWC.permute({0, 3, 1, 2}), drop_path_ * steps_.share(step), is_training());
}

std::vector<torch::Tensor> ConvNext::last_layer() {
  if (gamma_.defined()) return {gamma_};
  return {mlp_->fc2->weight, mlp_->fc2->bias};
}

}  // namespace optdnn::modules
