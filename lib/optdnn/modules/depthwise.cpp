#include "optdnn/modules/depthwise.h"

#include <ATen/autocast_mode.h>

#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/gpu_depthwise.h"
#include "optdnn/modules/gpu_columns.h"

namespace optdnn::modules {

using torch::Tensor;
using torch::autograd::variable_list;

namespace {

int64_t padding_of(const Tensor& weight) { return weight.size(-1) / 2; }

Tensor filtered(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return torch::conv2d(x, weight, bias, 1, padding_of(weight), 1, x.size(1));
}

// The gradients of x, weight and bias that are wanted.
std::tuple<Tensor, Tensor, Tensor> backward_of(const Tensor& dy, const Tensor& x, const Tensor& weight,
                                               std::array<bool, 3> wanted) {
  const int64_t channels = x.size(1), padding = padding_of(weight);
  return at::convolution_backward(dy, x, weight, at::IntArrayRef(channels), {1, 1}, {padding, padding}, {1, 1}, false,
                                  {0, 0}, channels, wanted);
}

class Depthwise : public kernels::Differentiable {
 public:
  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor &x = inputs[0], &weight = inputs[1], &bias = inputs[2];
    saved = {x, weight};
    return {kernels::gpu_depthwise_fits(x, weight, bias) ? kernels::gpu_depthwise_filtered(x, weight, bias, false)
                                                         : filtered(x, weight, bias)};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &x = saved[0], &weight = saved[1], dy = gradients[0].contiguous(x.suggest_memory_format());
    if (kernels::gpu_depthwise_fits(x, weight) && kernels::gpu_depthwise_fits(dy, weight)) {
      const auto [d_weight, d_bias] = kernels::gpu_depthwise_gradients(x, dy, weight);
      return {kernels::gpu_depthwise_filtered(dy, weight, {}, true), d_weight, d_bias};
    }
    const Tensor d_weight = std::get<1>(backward_of(dy, x, weight, {false, true, false}));
    return {filtered(dy, weight.flip({2, 3}), {}), d_weight, sums_of_columns(dy.permute({0, 2, 3, 1}))};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    const auto [dx, d_weight, d_bias] = backward_of(gradients[0], saved[0], saved[1], {true, true, true});
    return {dx, d_weight, d_bias};
  }
};

}  // namespace

bool is_gpu_depthwise(const Tensor& x, const Tensor& weight, int64_t stride, int64_t padding, int64_t groups) {
  const auto device = x.device().type();
  if (x.device().is_cpu() || x.dim() != 4 || stride != 1 || weight.size(1) != 1) return false;
  if (weight.size(0) != groups || weight.size(-1) % 2 == 0 || padding != padding_of(weight)) return false;
  return at::autocast::is_autocast_enabled(device) ? x.scalar_type() != torch::kFloat64
                                                   : x.scalar_type() == weight.scalar_type() && x.element_size() == 2;
}

Tensor gpu_depthwise(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto device = x.device().type();
  const auto narrow = [&](const Tensor& of) {
    const bool is_on = at::autocast::is_autocast_enabled(device);
    return is_on ? at::autocast::cached_cast(at::autocast::get_autocast_dtype(device), of, device) : of;
  };
  return kernels::apply(c10::make_intrusive<Depthwise>(), {narrow(x), narrow(weight), narrow(bias)}).front();
}

}  // namespace optdnn::modules
