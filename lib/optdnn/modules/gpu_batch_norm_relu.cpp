#include "optdnn/modules/gpu_batch_norm_relu.h"

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

class GpuNorm : public kernels::Differentiable {
 public:
  explicit GpuNorm(BatchNorm norm) : norm_(std::move(norm)) {}

  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor& x = inputs[0];
    kernels::Launcher& launcher = *kernels::launcher(x.device());
    const GpuRows rows(launcher, x);
    statistics_ = torch::empty({2, x.size(1)}, inputs[1].options().requires_grad(false));
    const Tensor y = torch::empty_like(x);
    Tensor room;
    auto arguments = gpu_norm_arguments(rows, x, norm_, statistics_);
    arguments.out = y.data_ptr();
    arguments.totals = rows.totals(kSums, room);
    launcher.launch(rows.kernel("batch_norm_statistics"), rows.summing(kSums), arguments);
    launcher.launch(rows.kernel("batch_norm_relu"), rows.mapping(), arguments);
    saved = inputs.vec();
    return {y};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor& x = saved[0];
    const Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    kernels::Launcher& launcher = *kernels::launcher(x.device());
    const GpuRows rows(launcher, x);
    auto back = gpu_norm_backward(launcher, rows, dy, x, norm_, statistics_);
    const Tensor dx = torch::empty_like(x);
    back.arguments.out = dx.data_ptr();
    launcher.launch(rows.kernel("batch_norm_relu_backward"), rows.mapping(), back.arguments);
    return {dx, back.d_weight, back.d_bias};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    return batch_norm_relu_gradients(gradients[0], saved[0], saved[1], saved[2], norm_.epsilon);
  }

 private:
  BatchNorm norm_;
  Tensor statistics_;  // 2 x C: means, inverses of deviations
};

}  // namespace

kernels::gpu::BatchNormRelu gpu_norm_arguments(const GpuRows& rows, const Tensor& x, const BatchNorm& norm,
                                               const Tensor& statistics_2C) {
  kernels::gpu::BatchNormRelu arguments{};
  arguments.of = rows.rows();
  arguments.x = x.const_data_ptr();
  arguments.weight = numbers(norm.weight);
  arguments.bias = numbers(norm.bias);
  arguments.mean = numbers(statistics_2C);
  arguments.inverse = arguments.mean + x.size(1);
  arguments.running_mean = numbers(norm.running_mean);
  arguments.running_var = numbers(norm.running_var);
  arguments.momentum = static_cast<float>(norm.momentum);
  arguments.epsilon = static_cast<float>(norm.epsilon);
  return arguments;
}

GpuNormBackward gpu_norm_backward(kernels::Launcher& launcher, const GpuRows& rows, const Tensor& dy, const Tensor& x,
                                  const BatchNorm& norm, const Tensor& statistics_2C) {
  GpuNormBackward back{gpu_norm_arguments(rows, x, norm, statistics_2C), torch::empty_like(norm.weight.detach()),
                       torch::empty_like(norm.bias.detach())};
  Tensor room;
  back.arguments.dy = dy.const_data_ptr();
  back.arguments.d_weight = numbers(back.d_weight);
  back.arguments.d_bias = numbers(back.d_bias);
  back.arguments.totals = rows.totals(kSums, room);
  launcher.launch(rows.kernel("batch_norm_relu_sums"), rows.summing(kSums), back.arguments);
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
  return std::all_of(std::begin(kKernels), std::end(kKernels),
                     [&](std::string_view name) { return launcher->has(rows.kernel(name)); });
}

Tensor gpu_batch_norm_relu(const Tensor& x, const BatchNorm& norm) {
  return kernels::apply(c10::make_intrusive<GpuNorm>(norm), {x, norm.weight, norm.bias}).front();
}

}  // namespace optdnn::modules
