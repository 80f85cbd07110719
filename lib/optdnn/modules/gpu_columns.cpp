#include "optdnn/modules/gpu_columns.h"

#include <ATen/autocast_mode.h>

#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/gpu/columns.h"
#include "optdnn/kernels/gpu_rows.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::modules {

using kernels::GpuRows, kernels::Launcher, kernels::pixels_of;
using torch::Tensor;
using torch::autograd::variable_list;

namespace {

constexpr int kSumsOfColumn = 1;
constexpr uintptr_t kScaleAlignment = 32;  // kernels read vectors of up to eight numbers

bool are_columns(const Tensor& x) { return x.is_contiguous() && GpuRows::is_rows(pixels_of(x.detach())); }

std::optional<torch::Dtype> autocast_type(const Tensor& x) {
  const auto device = x.device().type();
  if (x.device().is_cpu() || !at::autocast::is_autocast_enabled(device)) return std::nullopt;
  return at::autocast::get_autocast_dtype(device);
}

Tensor matrix_of(const Tensor& x) { return x.reshape({-1, x.size(-1)}); }

class GpuProjection : public kernels::Differentiable {
 public:
  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor &x = inputs[0], &weight = inputs[1];
    saved = {x, weight};
    std::vector<int64_t> sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    return {torch::addmm(inputs[2], matrix_of(x), weight.t()).view(sizes)};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    return gradients_of(saved, matrix_of(gradients[0]), sums_of_columns);
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    return gradients_of(saved, matrix_of(gradients[0]), [](const Tensor& x) { return x.sum(0); });
  }

 private:
  template <class Sums>
  static variable_list gradients_of(const variable_list& saved, const Tensor& dy, Sums sums) {
    const Tensor &x = saved[0], &weight = saved[1];
    return {dy.mm(weight).view(x.sizes()), dy.t().mm(matrix_of(x)), sums(dy)};
  }
};

class GpuLayerScale : public kernels::Differentiable {
 public:
  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    saved = inputs.vec();
    const Tensor &x = inputs[0], &scale = inputs[1];
    Launcher& launcher = *kernels::launcher(x.device());
    const GpuRows rows(launcher, pixels_of(x));
    const Tensor y = torch::empty(x.sizes(), scale.options().requires_grad(false));
    auto arguments = arguments_of(rows, saved);
    arguments.y = y.data_ptr<float>();
    launcher.launch(rows.kernel("layer_scale"), rows.mapping(), arguments);
    return {y};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &x = saved[0], dy = gradients[0].contiguous();
    Launcher& launcher = *kernels::launcher(x.device());
    const GpuRows rows(launcher, pixels_of(x));
    const Tensor dx = torch::empty_like(x), d_scale = torch::empty_like(saved[1]);
    Tensor room;
    auto arguments = arguments_of(rows, saved);
    arguments.dy = dy.const_data_ptr<float>();
    arguments.dx = dx.data_ptr();
    arguments.d_scale = d_scale.data_ptr<float>();
    arguments.totals = rows.totals(kSumsOfColumn, room);
    launcher.launch(rows.kernel("layer_scale_backward"), rows.summing(kSumsOfColumn), arguments);
    return {dx, d_scale};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &x = saved[0], &dy = gradients[0];
    return {(dy * saved[1]).to(x.scalar_type()), matrix_of(dy * x).sum(0)};
  }

 private:
  static kernels::gpu::LayerScale arguments_of(const GpuRows& rows, const variable_list& saved) {
    kernels::gpu::LayerScale arguments{};
    arguments.of = rows.rows();
    arguments.x = saved[0].const_data_ptr();
    arguments.scale = saved[1].const_data_ptr<float>();
    return arguments;
  }
};

}  // namespace

Tensor sums_of_columns(const Tensor& x) {
  Launcher* launcher = kernels::launcher(x.device());
  if (!launcher || !are_columns(x)) return matrix_of(x).sum(0);
  const GpuRows rows(*launcher, pixels_of(x));
  if (!launcher->has(rows.kernel("column_sums"))) return matrix_of(x).sum(0);
  Tensor room;
  const Tensor sums = torch::empty({x.size(-1)}, x.options());
  launcher->launch(
      rows.kernel("column_sums"), rows.summing(kSumsOfColumn),
      kernels::gpu::ColumnSums{rows.rows(), x.const_data_ptr(), sums.data_ptr(), rows.totals(kSumsOfColumn, room)});
  return sums;
}

bool gpu_projection_fits(const Tensor& x) { return autocast_type(x) && kernels::launcher(x.device()) && x.numel() > 0; }

Tensor gpu_projection(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto narrow = [&](const Tensor& of) {
    return at::autocast::cached_cast(*autocast_type(x), of, x.device().type());
  };
  return kernels::apply(c10::make_intrusive<GpuProjection>(), {narrow(x), narrow(weight), narrow(bias)}).front();
}

bool gpu_layer_scale_fits(const Tensor& x, const Tensor& scale) {
  if (autocast_type(x) != x.scalar_type() || scale.scalar_type() != torch::kFloat32 || !are_columns(x)) return false;
  Launcher* launcher = kernels::launcher(x.device());
  if (!launcher || !scale.is_contiguous() || !kernels::is_aligned(scale, kScaleAlignment)) return false;
  const GpuRows rows(*launcher, pixels_of(x.detach()));
  return launcher->has(rows.kernel("layer_scale")) && launcher->has(rows.kernel("layer_scale_backward"));
}

Tensor gpu_layer_scale(const Tensor& x, const Tensor& scale) {
  return kernels::apply(c10::make_intrusive<GpuLayerScale>(), {x, scale}).front();
}

}  // namespace optdnn::modules
