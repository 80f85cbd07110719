#include "optdnn/modules/gpu_layer_norm.h"

#include <ATen/autocast_mode.h>
#include <ATen/ceil_div.h>

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/gpu/layer_norm.h"
#include "optdnn/kernels/gpu_rows.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::modules {

using base::concat;
using kernels::GpuRows, kernels::Launcher, kernels::pixels_of;
using torch::Tensor;
using torch::autograd::variable_list;

namespace {

constexpr int64_t kVector = 8;          // numbers that are read as one, or each alone
constexpr uintptr_t kVectorBytes = 32;  // of so many float32
constexpr int64_t kBestNumbers = 24;    // of a row in a thread's registers
constexpr int64_t kMostNumbers = 32, kMostAlone = 8;
constexpr int kMostThreads = 32;       // of a row
constexpr int kBlocksOfProcessor = 4;  // at most
constexpr int kSumsOfChannel = 2;

// How the rows of x are shared out, and the kernels for x and the normalised numbers `to`.
class NormRows {
 public:
  NormRows(Launcher& launcher, const Tensor& x, torch::Dtype to)
      : launcher_(launcher),
        channels_(x.size(-1)),
        rows_(x.numel() / channels_),
        width_(channels_ % kVector == 0 ? kVector : 1),
        types_(concat("<", kernels::kernel_type(x.scalar_type()), ", ", kernels::kernel_type(to), ", ")) {
    const int64_t wanted = width_ == 1 ? kMostAlone : kBestNumbers;
    while (lanes_ * wanted < channels_ && lanes_ * 2 <= std::min(kMostThreads, launcher.threads())) lanes_ *= 2;
    numbers_ = at::ceil_div(channels_, lanes_ * kVector) * kVector;
  }

  bool fits() const { return numbers_ <= (width_ == 1 ? kMostAlone : kMostNumbers); }
  std::string mapping_kernel(std::string_view function) const {
    return concat(function, types_, width_, ", ", numbers_, ">");
  }
  std::string summing_kernel(const GpuRows& columns) const {
    return concat("layer_norm_sums", types_, columns.width(), ">");
  }

  kernels::gpu::Rows rows() const {
    return {static_cast<int>(rows_), static_cast<int>(channels_), static_cast<int>(lanes_)};
  }
  kernels::Grid mapping() const {
    const int64_t blocks = at::ceil_div<int64_t>(rows_, launcher_.threads() / lanes_);
    return {static_cast<int>(std::min<int64_t>(blocks, kBlocksOfProcessor * launcher_.processors())), 1,
            launcher_.threads(), 0};
  }

 private:
  Launcher& launcher_;
  int64_t channels_, rows_, width_, lanes_ = 1, numbers_;
  std::string types_;
};

float* floats_of(const Tensor& x) { return static_cast<float*>(x.data_ptr()); }

class GpuLayerNorm : public kernels::Differentiable {
 public:
  GpuLayerNorm(double epsilon, torch::Dtype to) : epsilon_(epsilon), to_(to) {}

  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor& x = inputs[0];
    Launcher& launcher = *kernels::launcher(x.device());
    const NormRows rows(launcher, x, to_);
    statistics_ = torch::empty({2, x.numel() / x.size(-1)}, inputs[1].options().requires_grad(false));
    const Tensor y = torch::empty(x.sizes(), x.options().dtype(to_).requires_grad(false));
    auto arguments = arguments_of(rows, x, inputs[1]);
    arguments.bias = floats_of(inputs[2]);
    arguments.out = y.data_ptr();
    launcher.launch(rows.mapping_kernel("layer_norm"), rows.mapping(), arguments);
    saved = inputs.vec();
    return {y};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &x = saved[0], &weight = saved[1], dy = gradients[0].contiguous();
    Launcher& launcher = *kernels::launcher(x.device());
    const NormRows rows(launcher, x, to_);
    const Tensor dx = torch::empty_like(x), d_weight = torch::empty_like(weight), d_bias = torch::empty_like(weight);
    auto arguments = arguments_of(rows, x, weight);
    arguments.dy = dy.const_data_ptr();
    arguments.out = dx.data_ptr();
    launcher.launch(rows.mapping_kernel("layer_norm_backward"), rows.mapping(), arguments);

    const GpuRows columns(launcher, pixels_of(x));
    Tensor room;
    arguments.of = columns.rows();
    arguments.d_weight = floats_of(d_weight);
    arguments.d_bias = floats_of(d_bias);
    arguments.totals = columns.totals(kSumsOfChannel, room);
    launcher.launch(rows.summing_kernel(columns), columns.summing(kSumsOfChannel), arguments);
    return {dx, d_weight, d_bias};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor x = saved[0].to(torch::kFloat32), &weight = saved[1], dy = gradients[0].to(torch::kFloat32);
    const auto mean = [](const Tensor& of_row) { return of_row.mean(-1, /*keepdim=*/true); };
    const Tensor centred = x - mean(x), inverse = (mean(centred.square()) + epsilon_).rsqrt();
    const Tensor normalised = centred * inverse, g = dy * weight;
    const Tensor dx = inverse * (g - mean(g) - normalised * mean(g * normalised));
    return {dx.to(saved[0].scalar_type()), (dy * normalised).flatten(0, -2).sum(0), dy.flatten(0, -2).sum(0)};
  }

 private:
  kernels::gpu::LayerNorm arguments_of(const NormRows& rows, const Tensor& x, const Tensor& weight) const {
    kernels::gpu::LayerNorm arguments{};
    arguments.of = rows.rows();
    arguments.x = x.const_data_ptr();
    arguments.weight = floats_of(weight);
    arguments.mean = floats_of(statistics_);
    arguments.inverse = arguments.mean + statistics_.size(1);
    arguments.epsilon = static_cast<float>(epsilon_);
    return arguments;
  }

  double epsilon_;
  torch::Dtype to_;
  Tensor statistics_;  // 2 x rows: means, inverses of deviations
};

bool is_taken(const Tensor& x, torch::Dtype type) {
  return x.scalar_type() == type && x.is_contiguous() && kernels::is_aligned(x, kVectorBytes);
}

}  // namespace

torch::Dtype normed_type(const Tensor& x, NormReader reader) {
  const auto device = x.device().type();
  const bool narrow = reader == NormReader::product && at::autocast::is_autocast_enabled(device);
  return narrow ? at::autocast::get_autocast_dtype(device) : torch::kFloat32;
}

bool gpu_layer_norm_fits(const Tensor& x, const Tensor& weight, const Tensor& bias, torch::Dtype to) {
  const auto device = x.device();
  if (device.is_cpu() || !at::autocast::is_autocast_enabled(device.type())) return false;
  const torch::Dtype narrow = at::autocast::get_autocast_dtype(device.type()), from = x.scalar_type();
  if (from != narrow && (from != torch::kFloat32 || to != narrow)) return false;
  if (x.dim() < 2 || !is_taken(x, from) || !is_taken(weight, torch::kFloat32) || !is_taken(bias, torch::kFloat32)) {
    return false;
  }
  const Tensor pixels = pixels_of(x.detach());
  Launcher* launcher = kernels::launcher(device);
  if (!launcher || !GpuRows::is_rows(pixels)) return false;
  const NormRows rows(*launcher, x, to);
  return rows.fits() && launcher->has(rows.mapping_kernel("layer_norm")) &&
         launcher->has(rows.mapping_kernel("layer_norm_backward")) &&
         launcher->has(rows.summing_kernel({*launcher, pixels}));
}

Tensor gpu_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon, torch::Dtype to) {
  return kernels::apply(c10::make_intrusive<GpuLayerNorm>(epsilon, to), {x, weight, bias}).front();
}

}  // namespace optdnn::modules
