#include "optdnn/modules/gpu_batch_norm_relu.h"

#include <ATen/ceil_div.h>

#include <algorithm>

#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::modules {

using kernels::GpuRows;
using torch::Tensor;
using torch::autograd::variable_list;

namespace {

constexpr std::string_view kKernels[] = {"batch_norm_statistics", "batch_norm_relu", "batch_norm_relu_sums",
                                         "batch_norm_relu_backward"};
constexpr int kSums = 2;  // of a channel, in both directions

bool is_float_vector(const Tensor& x, const Tensor& like) {
  return x.defined() && x.scalar_type() == torch::kFloat32 && x.dim() == 1 && x.is_contiguous() &&
         x.device() == like.device();
}

constexpr uintptr_t kAlignment = 32;  // kernels read vectors of up to eight numbers

float* numbers(const Tensor& x) { return static_cast<float*>(x.data_ptr()); }

// The stand-in for relu(batch norm(x)) of x, weight and bias.
class GpuNorm : public kernels::Differentiable {
 public:
  GpuNorm(BatchNorm norm, Tensor left)
      : norm_(std::move(norm)), left_(std::move(left)), to_make_(gpu_norm_to_make(norm_)) {}

  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor& x = inputs[0];
    kernels::Launcher& launcher = *kernels::launcher(x.device());
    const GpuRows rows(launcher, x);
    auto arguments = gpu_statistics_arguments(rows, x, *to_make_, norm_);
    Tensor room;
    if (const Tensor left = std::exchange(left_, {}); left.defined()) {
      arguments.left = {left.data_ptr<float>(), static_cast<int>(left.size(2)), static_cast<int>(left.size(1))};
      const int blocks = static_cast<int>(at::ceil_div<int64_t>(x.size(1), kernels::gpu::kGatheredChannels));
      launcher.launch("batch_norm_gather", {blocks, 1, launcher.threads(), 2 * launcher.threads()}, arguments);
    } else {
      arguments.totals = rows.totals(kSums, room);
      launcher.launch(rows.kernel("batch_norm_statistics"), rows.summing(kSums), arguments);
    }
    saved = inputs.vec();
    return {x.variable_data()};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor& x = saved[0];
    const Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    kernels::Launcher& launcher = *kernels::launcher(x.device());
    const GpuRows rows(launcher, x);
    auto back = gpu_norm_backward(launcher, rows, dy, x, *to_make_);
    const Tensor dx = torch::empty_like(x);
    back.arguments.out = dx.data_ptr();
    launcher.launch(rows.kernel("batch_norm_relu_backward"), rows.mapping(), back.arguments);
    return {dx, back.d_weight, back.d_bias};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    return batch_norm_relu_gradients(gradients[0], saved[0], saved[1], saved[2], norm_.epsilon);
  }

  const c10::intrusive_ptr<NormToMake>& to_make() const { return to_make_; }

 private:
  BatchNorm norm_;
  Tensor left_;
  c10::intrusive_ptr<NormToMake> to_make_;
};

}  // namespace

c10::intrusive_ptr<NormToMake> gpu_norm_to_make(const BatchNorm& norm) {
  auto to_make = c10::make_intrusive<NormToMake>();
  to_make->weight = norm.weight.detach();
  to_make->bias = norm.bias.detach();
  to_make->statistics_2C = torch::empty({2, norm.weight.size(0)}, to_make->weight.options());
  return to_make;
}

kernels::gpu::BatchNormRelu gpu_norm_arguments(const GpuRows& rows, const Tensor& x, const NormToMake& norm) {
  kernels::gpu::BatchNormRelu arguments{};
  arguments.of = rows.rows();
  arguments.x = x.const_data_ptr();
  arguments.weight = numbers(norm.weight);
  arguments.bias = numbers(norm.bias);
  arguments.mean = numbers(norm.statistics_2C);
  arguments.inverse = arguments.mean + x.size(1);
  return arguments;
}

kernels::gpu::BatchNormRelu gpu_statistics_arguments(const GpuRows& rows, const Tensor& x, const NormToMake& to_make,
                                                     const BatchNorm& norm) {
  auto arguments = gpu_norm_arguments(rows, x, to_make);
  arguments.running_mean = numbers(norm.running_mean);
  arguments.running_var = numbers(norm.running_var);
  arguments.momentum = static_cast<float>(norm.momentum);
  arguments.epsilon = static_cast<float>(norm.epsilon);
  return arguments;
}

Tensor gpu_mapped_relu(const Tensor& x, const NormToMake& norm) {
  kernels::Launcher& launcher = *kernels::launcher(x.device());
  const GpuRows rows(launcher, x);
  auto arguments = gpu_norm_arguments(rows, x, norm);
  const Tensor y = torch::empty_like(x);
  arguments.out = y.data_ptr();
  launcher.launch(rows.kernel("batch_norm_relu"), rows.mapping(), arguments);
  return y;
}

GpuNormBackward gpu_norm_backward(kernels::Launcher& launcher, const GpuRows& rows, const Tensor& dy, const Tensor& x,
                                  NormToMake& norm) {
  GpuNormBackward back{gpu_norm_arguments(rows, x, norm), std::exchange(norm.d_weight, {}),
                       std::exchange(norm.d_bias, {})};
  const bool left = back.d_weight.defined();
  if (!left) {
    back.d_weight = torch::empty_like(norm.weight);
    back.d_bias = torch::empty_like(norm.bias);
  }
  Tensor room;
  back.arguments.dy = dy.const_data_ptr();
  back.arguments.d_weight = numbers(back.d_weight);
  back.arguments.d_bias = numbers(back.d_bias);
  if (left) return back;
  back.arguments.totals = rows.totals(kSums, room);
  launcher.launch(rows.kernel("batch_norm_relu_sums"), rows.summing(kSums), back.arguments);
  back.arguments.totals = {};  // whose room ends here
  return back;
}

bool gpu_batch_norm_relu_fits(const Tensor& x, const BatchNorm& norm) {
  if (x.device().is_cpu() || !norm.training || !GpuRows::is_rows(x) || x.numel() / x.size(1) < 2) return false;
  for (const Tensor& numbers : {norm.weight, norm.bias, norm.running_mean, norm.running_var}) {
    if (!is_float_vector(numbers, x)) return false;
  }
  if (!kernels::is_aligned(norm.weight, kAlignment) || !kernels::is_aligned(norm.bias, kAlignment)) return false;
  kernels::Launcher* launcher = kernels::launcher(x.device());
  if (!launcher) return false;
  const GpuRows rows(*launcher, x);
  if (!launcher->has("batch_norm_gather")) return false;
  return std::all_of(std::begin(kKernels), std::end(kKernels),
                     [&](std::string_view name) { return launcher->has(rows.kernel(name)); });
}

NormedRelu gpu_batch_norm_relu_to_make(const Tensor& x, const BatchNorm& norm, const Tensor& left) {
  const auto node = c10::make_intrusive<GpuNorm>(norm, left);
  const Tensor stand_in = kernels::apply(node, {x, norm.weight, norm.bias}).front();
  return {stand_in, node->to_make()};
}

}  // namespace optdnn::modules
