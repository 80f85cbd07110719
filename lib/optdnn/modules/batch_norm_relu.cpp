#include "optdnn/modules/batch_norm_relu.h"

#include <cmath>

#include "optdnn/modules/channel_kernel.h"

namespace optdnn::modules {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

int64_t channels(const Tensor& x) { return x.size(1); }
int64_t rows(const Tensor& x) { return x.numel() / channels(x); }

// what(Number()) with the type of the tensor's numbers, float or double.
template <class What>
auto with_type_of(const Tensor& x, What what) {
  return x.scalar_type() == torch::kFloat64 ? what(double()) : what(float());
}

std::vector<double> doubles(const Tensor& per_channel) {
  const Tensor wide = per_channel.detach().to(torch::kFloat64).contiguous();
  return {wide.const_data_ptr<double>(), wide.const_data_ptr<double>() + wide.numel()};
}

Tensor tensor_of(const std::vector<double>& per_channel, torch::Dtype type) {
  return torch::tensor(per_channel, torch::kFloat64).to(type);
}

std::vector<double> inverse_deviation(const std::vector<double>& variance, double epsilon) {
  std::vector<double> inverse;
  for (const double v : variance) inverse.push_back(1.0 / std::sqrt(v + epsilon));
  return inverse;
}

ChannelMap normalising(const Tensor& weight, const Tensor& bias, const std::vector<double>& mean,
                       const std::vector<double>& inverse) {
  ChannelMap map{doubles(weight), doubles(bias)};
  for (size_t c = 0; c < mean.size(); ++c) {
    map.scale[c] *= inverse[c];
    map.shift[c] -= mean[c] * map.scale[c];
  }
  return map;
}

Tensor mapped(const Tensor& x, const ChannelMap& map) {
  Tensor y = torch::empty_like(x);
  with_type_of(x, [&](auto number) {
    using Number = decltype(number);
    map_relu(x.const_data_ptr<Number>(), map, y.data_ptr<Number>(), rows(x), channels(x));
  });
  return y;
}

struct TrainedNode : torch::autograd::Function<TrainedNode> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const BatchNorm& norm) {
    ChannelMoments moments = with_type_of(
        x, [&](auto number) { return channel_moments(x.const_data_ptr<decltype(number)>(), rows(x), channels(x)); });
    const auto inverse = inverse_deviation(moments.variance, norm.epsilon);
    const auto type = norm.running_mean.scalar_type();
    // As LibTorch's operator does, without a new version of the buffer, which other nodes may have saved.
    Tensor running_mean = norm.running_mean.data(), running_var = norm.running_var.data();
    running_mean.lerp_(tensor_of(moments.mean, type), norm.momentum);
    const double unbiased = static_cast<double>(rows(x)) / static_cast<double>(rows(x) - 1);
    running_var.lerp_(tensor_of(moments.variance, type) * unbiased, norm.momentum);
    context->save_for_backward({x, weight, bias});
    context->saved_data["mean"] = moments.mean;
    context->saved_data["inverse"] = inverse;
    context->saved_data["epsilon"] = norm.epsilon;
    return mapped(x, normalising(weight, bias, moments.mean, inverse));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &dy = gradients[0];
    if (!dy.defined()) return variable_list(4);
    if (torch::GradMode::is_enabled()) {  // a derivative of this derivative is wanted
      const variable_list inputs = {x.alias(), weight.alias(), bias.alias()};
      const double epsilon = context->saved_data["epsilon"].toDouble();
      const Tensor y = torch::relu(torch::batch_norm(inputs[0], inputs[1], inputs[2], {}, {}, true, 0, epsilon, false));
      variable_list found = torch::autograd::grad({y}, inputs, {dy}, true, true, true);
      found.emplace_back();
      return found;
    }
    const auto mean = context->saved_data["mean"].toDoubleVector();
    const auto inverse = context->saved_data["inverse"].toDoubleVector();
    return with_type_of(x, [&](auto number) { return back<decltype(number)>(x, weight, bias, dy, mean, inverse); });
  }

  template <class Number>
  static variable_list back(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& gradient,
                            const std::vector<double>& mean, const std::vector<double>& inverse) {
    const Tensor dy = gradient.contiguous(at::MemoryFormat::ChannelsLast);
    const int64_t N = rows(x), C = channels(x);
    const Number *dy_NC = dy.const_data_ptr<Number>(), *x_NC = x.const_data_ptr<Number>();
    const ChannelMap map = normalising(weight, bias, mean, inverse);
    ChannelSums sums = relu_backward_sums(dy_NC, x_NC, map, mean, N, C);
    // dx = scale (dz - mean of dz - (x - mean) / deviation^2 mean of dz (x - mean))
    std::vector<double> slope(C), offset(C);
    for (int64_t c = 0; c < C; ++c) {
      slope[c] = -map.scale[c] * inverse[c] * inverse[c] * sums.dz_x[c] / static_cast<double>(N);
      offset[c] = -map.scale[c] * sums.dz[c] / static_cast<double>(N) - slope[c] * mean[c];
      sums.dz_x[c] *= inverse[c];
    }
    Tensor dx = torch::empty_like(x);
    map_relu_backward(dy_NC, x_NC, map, slope, offset, dx.data_ptr<Number>(), N, C);
    return {dx, tensor_of(sums.dz_x, weight.scalar_type()), tensor_of(sums.dz, bias.scalar_type()), {}};
  }
};

}  // namespace

bool batch_norm_relu_fits(const Tensor& x, const BatchNorm& norm) {
  const auto type = x.scalar_type();
  if (!x.device().is_cpu() || (type != torch::kFloat32 && type != torch::kFloat64)) return false;
  if (x.dim() != 4 || !x.is_contiguous(at::MemoryFormat::ChannelsLast) || rows(x) < 2) return false;
  if (norm.weight.scalar_type() != type || norm.weight.dim() != 1) return false;
  const int64_t at_once = with_type_of(x, [&](auto number) { return rows_at_once<decltype(number)>(channels(x)); });
  return rows(x) % at_once == 0 && (norm.training || !torch::GradMode::is_enabled());
}

Tensor batch_norm_relu(const Tensor& x, const BatchNorm& norm) {
  if (norm.training) return TrainedNode::apply(x, norm.weight, norm.bias, norm);
  const auto inverse = inverse_deviation(doubles(norm.running_var), norm.epsilon);
  return mapped(x, normalising(norm.weight, norm.bias, doubles(norm.running_mean), inverse));
}

}  // namespace optdnn::modules
