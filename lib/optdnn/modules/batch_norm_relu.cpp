#include "optdnn/modules/batch_norm_relu.h"

#include <cmath>

#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/modules/channel_loops.h"
#include "optdnn/modules/gpu_batch_norm_relu.h"
#include "optdnn/modules/normalisation.h"

namespace optdnn::modules {

using kernels::ChannelMap;
using kernels::ChannelMoments;
using kernels::numbers_of;
using torch::Tensor;
using torch::autograd::variable_list;

namespace {

int64_t channels(const Tensor& x) { return x.size(1); }
int64_t rows(const Tensor& x) { return x.numel() / channels(x); }

Tensor tensor_of(const std::vector<double>& per_channel, torch::Dtype type) {
  return torch::tensor(per_channel, torch::kFloat64).to(type);
}

BatchStatistics statistics_of(std::vector<double> mean, const std::vector<double>& variance, double epsilon) {
  BatchStatistics statistics{std::move(mean), {}, epsilon};
  for (const double v : variance) statistics.inverse.push_back(1.0 / std::sqrt(v + epsilon));
  return statistics;
}

ChannelMap normalising(const Tensor& weight, const Tensor& bias, const BatchStatistics& statistics) {
  ChannelMap map{numbers_of(weight), numbers_of(bias)};
  for (size_t c = 0; c < map.scale.size(); ++c) {
    map.scale[c] *= statistics.inverse[c];
    map.shift[c] -= statistics.mean[c] * map.scale[c];
  }
  return map;
}

ChannelMoments moments_of(const Tensor& x) {
  return with_type_of(x, [&](auto number) {
    return kernels::channel_moments(x.const_data_ptr<decltype(number)>(), rows(x), channels(x));
  });
}

// relu(batch norm(x)) of x, weight and bias, by the batch's own statistics; or the stand-in for one to be made.
class TrainedNorm : public kernels::Differentiable {
 public:
  TrainedNorm(BatchNorm norm, const ChannelMoments& moments, int64_t rows, bool to_make)
      : norm_(std::move(norm)), statistics_(take_statistics(moments, norm_, rows)), to_make_(to_make) {}

  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    saved = inputs.vec();
    const NormedRelu normed = normalised_relu(inputs[0], inputs[1], inputs[2], statistics_);
    if (to_make_) made_later_ = normed.norm();
    return {to_make_ ? normed.x() : normed.made()};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    if (!gradients[0].is_contiguous(at::MemoryFormat::ChannelsLast)) {
      gradients[0] = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    }
    const Tensor& dy = gradients[0];
    const auto back = batch_norm_relu_backward(dy, x, weight, bias, statistics_, made_later_.get());
    const bool alone = dy.use_count() == 1 && dy.storage().use_count() == 1;
    const Tensor dx = alone ? dy : torch::empty_like(x);  // in its place a stream less goes through the caches
    with_type_of(x, [&](auto number) {
      using Number = decltype(number);
      kernels::map_relu_backward(dy.const_data_ptr<Number>(), x.const_data_ptr<Number>(),
                                 kernels::ReluBackward<Number>(back.map, back.slopes, channels(x)),
                                 dx.data_ptr<Number>(), rows(x), channels(x));
    });
    return {dx, back.d_weight, back.d_bias};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    return batch_norm_relu_gradients(gradients[0], saved[0], saved[1], saved[2], statistics_.epsilon);
  }

  const c10::intrusive_ptr<NormToMake>& made_later() const { return made_later_; }

 private:
  BatchNorm norm_;
  BatchStatistics statistics_;
  bool to_make_;
  c10::intrusive_ptr<NormToMake> made_later_;
};

// relu of a stand-in: what comes back to it is masked by the norm's own backward pass.
class MadeRelu : public kernels::Differentiable {
 public:
  explicit MadeRelu(c10::intrusive_ptr<NormToMake> norm) : norm_(std::move(norm)) {}
  variable_list forward(at::TensorList inputs, variable_list&) override {
    return {norm_->is_on_gpu() ? gpu_mapped_relu(inputs[0], *norm_) : mapped_relu(inputs[0], norm_->map)};
  }
  variable_list backward(const variable_list&, variable_list gradients) const override { return gradients; }
  variable_list differentiable_backward(const variable_list&, variable_list gradients) const override {
    return gradients;
  }

 private:
  c10::intrusive_ptr<NormToMake> norm_;
};

BatchStatistics running_statistics(const BatchNorm& norm) {
  return statistics_of(numbers_of(norm.running_mean), numbers_of(norm.running_var), norm.epsilon);
}

}  // namespace

Tensor NormedRelu::made() const {
  if (!norm_) return x_;
  ++norm_->readers;
  return kernels::apply(c10::make_intrusive<MadeRelu>(norm_), {x_}).front();
}

NormedRelu batch_norm_relu_to_make(const Tensor& x, const BatchNorm& norm, const KnownMoments& moments) {
  if (gpu_batch_norm_relu_fits(x, norm)) return gpu_batch_norm_relu_to_make(x, norm, moments.left);
  if (!batch_norm_relu_fits(x, norm)) return batch_norm_relu(x, norm);
  if (!norm.training) return normalised_relu(x, norm.weight, norm.bias, running_statistics(norm));
  const auto node = c10::make_intrusive<TrainedNorm>(norm, moments.all ? *moments.all : moments_of(x), rows(x), true);
  const Tensor stand_in = kernels::apply(node, {x, norm.weight, norm.bias}).front();
  return {stand_in, node->made_later()};
}

Tensor batch_norm_relu(const Tensor& x, const BatchNorm& norm) {
  if (norm.training) check_several_values(rows(x), "batch", "a channel", kBatchNormCure);
  if (gpu_batch_norm_relu_fits(x, norm)) return gpu_batch_norm_relu_to_make(x, norm, {}).made();
  if (!batch_norm_relu_fits(x, norm)) {
    return torch::relu(torch::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.training,
                                         norm.momentum, norm.epsilon, /*cudnn_enabled=*/true));
  }
  if (norm.training) {
    const auto node = c10::make_intrusive<TrainedNorm>(norm, moments_of(x), rows(x), /*to_make=*/false);
    return kernels::apply(node, {x, norm.weight, norm.bias}).front();
  }
  return normalised_relu(x, norm.weight, norm.bias, running_statistics(norm)).made();
}

bool batch_norm_relu_fits(const Tensor& x, const BatchNorm& norm) {
  if (x.dim() != 4 || !fits_channel_loops(x, rows(x)) || rows(x) < 2) return false;
  return norm.weight.scalar_type() == x.scalar_type() && norm.weight.dim() == 1 &&
         (norm.training || !torch::GradMode::is_enabled());
}

BatchStatistics take_statistics(const ChannelMoments& moments, const BatchNorm& norm, int64_t rows) {
  const auto type = norm.running_mean.scalar_type();
  // As LibTorch's operator does, without a new version of the buffer, which other nodes may have saved.
  Tensor running_mean = norm.running_mean.data(), running_var = norm.running_var.data();
  running_mean.lerp_(tensor_of(moments.mean, type), norm.momentum);
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
  running_var.lerp_(tensor_of(moments.variance, type) * unbiased, norm.momentum);
  return statistics_of(moments.mean, moments.variance, norm.epsilon);
}

NormedRelu normalised_relu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const BatchStatistics& statistics) {
  auto norm = c10::make_intrusive<NormToMake>();
  norm->map = normalising(weight, bias, statistics);
  norm->mean = statistics.mean;
  return {x.variable_data(), std::move(norm)};
}

Tensor mapped_relu(const Tensor& x, const ChannelMap& map) {
  Tensor y = torch::empty_like(x);
  with_type_of(x, [&](auto number) {
    using Number = decltype(number);
    kernels::map_relu(x.const_data_ptr<Number>(), map, y.data_ptr<Number>(), rows(x), channels(x));
  });
  return y;
}

BatchNormReluBackward batch_norm_relu_backward(const Tensor& dy, const Tensor& x, const Tensor& weight,
                                               const Tensor& bias, const BatchStatistics& statistics,
                                               NormToMake* norm) {
  BatchNormReluBackward back{normalising(weight, bias, statistics), {}, {}, {}};
  auto left = norm ? std::exchange(norm->sums, std::nullopt) : std::nullopt;
  kernels::ChannelSums sums = left ? std::move(*left) : with_type_of(x, [&](auto number) {
    using Number = decltype(number);
    return kernels::relu_backward_sums(dy.const_data_ptr<Number>(), x.const_data_ptr<Number>(), back.map,
                                       statistics.mean, rows(x), channels(x));
  });
  // dx = scale (dz - mean of dz - (x - mean) / deviation^2 mean of dz (x - mean))
  const auto N = static_cast<double>(rows(x));
  for (size_t c = 0; c < sums.dz.size(); ++c) {
    const double scale = back.map.scale[c], inverse = statistics.inverse[c];
    const double slope = -scale * inverse * inverse * sums.dz_x[c] / N;
    back.slopes.slope.push_back(slope);
    back.slopes.offset.push_back(-scale * sums.dz[c] / N - slope * statistics.mean[c]);
    sums.dz_x[c] *= inverse;
  }
  back.d_weight = tensor_of(sums.dz_x, weight.scalar_type());
  back.d_bias = tensor_of(sums.dz, bias.scalar_type());
  return back;
}

variable_list batch_norm_relu_gradients(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& bias,
                                        double epsilon) {
  const variable_list inputs = {x.alias(), weight.alias(), bias.alias()};
  const Tensor y = torch::relu(torch::batch_norm(inputs[0], inputs[1], inputs[2], {}, {}, true, 0, epsilon, false));
  return torch::autograd::grad({y}, inputs, {dy}, true, true, true);
}

}  // namespace optdnn::modules
