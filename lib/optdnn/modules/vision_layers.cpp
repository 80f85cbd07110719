#include "optdnn/modules/vision_layers.h"

#include "optdnn/modules/depthwise.h"
#include "optdnn/modules/gpu_columns.h"
#include "optdnn/modules/normalisation.h"

namespace optdnn::modules {

namespace {
constexpr double kDeviation = 0.02;
constexpr double kCut = 2.0;
constexpr double kLayerNormEpsilon = 1e-6;
}  // namespace

torch::Tensor truncated_normal(torch::IntArrayRef sizes) {
  return torch::empty(sizes).normal_(0.0, kDeviation).clamp_(-kCut, kCut);
}

ProjectionImpl::ProjectionImpl(int64_t inputs, int64_t outputs)
    : weight(register_parameter("weight", truncated_normal({outputs, inputs}))),
      bias(register_parameter("bias", torch::zeros({outputs}))) {}

BiasedConvolutionImpl::BiasedConvolutionImpl(int64_t inputs, int64_t outputs, Window window, int64_t groups)
    : weight(register_parameter("weight",
                                truncated_normal({outputs, inputs / groups, window.kernel_px, window.kernel_px}))),
      bias(register_parameter("bias", torch::zeros({outputs}))),
      window_(window),
      groups_(groups) {}

torch::Tensor ProjectionImpl::forward(const torch::Tensor& x) {
  return gpu_projection_fits(x) ? gpu_projection(x, weight, bias) : torch::linear(x, weight, bias);
}

torch::Tensor BiasedConvolutionImpl::forward(const torch::Tensor& x) {
  if (is_gpu_depthwise(x, weight, window_.stride, window_.padding, groups_)) return gpu_depthwise(x, weight, bias);
  return torch::conv2d(x, weight, bias, window_.stride, window_.padding, /*dilation=*/1, groups_);
}

LastNormImpl::LastNormImpl(int64_t channels)
    : weight(register_parameter("weight", torch::ones({channels}))),
      bias(register_parameter("bias", torch::zeros({channels}))) {}

torch::Tensor LastNormImpl::forward(const torch::Tensor& x, NormReader reader) {
  check_several_values(weight.size(0), "layer", "a pixel", "a width of 2 or more");
  const torch::Dtype type = normed_type(x, reader);
  if (gpu_layer_norm_fits(x, weight, bias, type)) return gpu_layer_norm(x, weight, bias, kLayerNormEpsilon, type);
  return torch::layer_norm(x, {weight.size(0)}, weight, bias, kLayerNormEpsilon);
}

torch::Tensor LastNormImpl::over_channels(const torch::Tensor& images_BCHW, NormReader reader) {
  return forward(images_BCHW.permute({0, 2, 3, 1}), reader).permute({0, 3, 1, 2});
}

TwoLayersImpl::TwoLayersImpl(int64_t width, int64_t hidden, Activation activation)
    : fc1(register_module("fc1", Projection(width, hidden))),
      fc2(register_module("fc2", Projection(hidden, width))),
      activation_(activation) {}

Count count_two_layers(int64_t width, int64_t hidden, Activation activation, int64_t positions) {
  return count_affine(width, hidden, positions) + count_activation(activation, hidden * positions) +
         ending(count_affine(hidden, width, positions));
}

torch::Tensor drop_path(const torch::Tensor& x, double rate, bool training) {
  if (!training || rate == 0.0) return x;
  std::vector<int64_t> sizes(x.dim(), 1);
  sizes[0] = x.size(0);
  const torch::Tensor kept = torch::empty(sizes, x.options()).bernoulli_(1.0 - rate);
  return x * kept.div_(1.0 - rate);
}

}  // namespace optdnn::modules
