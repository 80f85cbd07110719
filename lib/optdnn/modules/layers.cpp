#include "optdnn/modules/layers.h"

#include <cmath>
#include <numeric>

#include "optdnn/modules/normalisation.h"
#include "optdnn/modules/synchronised_norm.h"

namespace optdnn::modules {

namespace {

constexpr double kBatchNormMomentum = 0.1;  // torch's defaults
constexpr double kNormEpsilon = 1e-5;
constexpr int64_t kGroups = 8;  // Choice: at most 8 groups, as implicit networks use them

}  // namespace

torch::Tensor affine(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  if (weight.dim() == 2) return torch::linear(x, weight, bias);
  const torch::Tensor x_RDB = x.transpose(1, 2);  // samples innermost, as all work on few features likes them
  const torch::Tensor y_RHB = bias.defined() ? torch::baddbmm(bias.unsqueeze(2), weight, x_RDB) : weight.bmm(x_RDB);
  return y_RHB.transpose(1, 2);
}

AffineImpl::AffineImpl(int64_t inputs, int64_t outputs, bool with_bias) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
  weight = register_parameter("weight", torch::empty({outputs, inputs}).uniform_(-bound, bound));
  if (with_bias) bias = register_parameter("bias", torch::empty({outputs}).uniform_(-bound, bound));
}

ConvolutionImpl::ConvolutionImpl(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride) : stride_(stride) {
  weight = register_parameter("weight", torch::empty({outputs, inputs, kernel_px, kernel_px}));
  const double deviation = std::sqrt(2.0 / static_cast<double>(outputs * kernel_px * kernel_px));
  torch::NoGradGuard no_grad;
  weight.normal_(0.0, deviation);
}

const base::NameTable<NormKind>& enum_names(NormKind) {
  static const base::NameTable<NormKind> table(
      "norms", {
                   {"batch", "statistics of the batch, one set of running ones per step", NormKind::batch},
                   {"group", "statistics of at most 8 groups of channels of each sample", NormKind::group},
                   {"layer", "statistics of all channels of each sample", NormKind::layer},
                   {"none", "no normalisation", NormKind::none},
               });
  return table;
}

NormImpl::NormImpl(NormKind kind, int64_t channels, int64_t steps, bool affine) : kind_(kind) {
  if (kind_ == NormKind::none) return;
  if (affine) {
    weight = register_parameter("weight", torch::ones({channels}));
    bias = register_parameter("bias", torch::zeros({channels}));
  }
  if (kind_ == NormKind::group) groups_ = std::gcd(kGroups, channels);
  if (kind_ != NormKind::batch) return;
  running_mean = register_buffer("running_mean", torch::zeros({steps, channels}));
  running_var = register_buffer("running_var", torch::ones({steps, channels}));
}

torch::Tensor NormImpl::forward(const torch::Tensor& x, int64_t step) {
  if (kind_ == NormKind::none) return x;
  if (kind_ != NormKind::batch) {
    check_groups(x);
    return torch::group_norm(x, groups_, weight, bias, kNormEpsilon);
  }
  const BatchNorm norm = batch_norm(step);
  if (norm.training && world) return synchronised_norm(x, norm, *world);
  if (norm.training) check_several_values(x.numel() / x.size(1), "batch", "a channel", kBatchNormCure);
  return torch::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.training, norm.momentum,
                           norm.epsilon, /*cudnn_enabled=*/true);
}

torch::Tensor NormImpl::activated(const torch::Tensor& x, Activation activation, int64_t step) {
  if (kind_ == NormKind::group || kind_ == NormKind::layer) {
    return activated_groups(x, activation, /*bounded=*/false);
  }
  const auto norm = with_relu(activation, step);
  return norm ? batch_norm_relu(x, *norm) : activate(activation, forward(x, step));
}

NormedRelu NormImpl::to_make(const torch::Tensor& x, Activation activation, int64_t step, const KnownMoments& moments) {
  const auto norm = with_relu(activation, step);
  return norm ? batch_norm_relu_to_make(x, *norm, moments) : activated(x, activation, step);
}

NormedRelu NormImpl::to_make_after(Convolution& convolution, const NormedRelu& x, Activation activation, int64_t step) {
  const auto norm = with_relu(activation, step);
  KnownMoments moments;
  const torch::Tensor y = convolution->forward(x, norm && norm->training ? &moments : nullptr);
  return to_make(y, activation, step, moments);
}

std::optional<BatchNorm> NormImpl::with_relu(Activation activation, int64_t step) const {
  if (kind_ != NormKind::batch || activation != Activation::relu || world) return std::nullopt;
  return batch_norm(step);
}

torch::Tensor NormImpl::activated_groups(const torch::Tensor& x, Activation activation, bool bounded) const {
  check_groups(x);
  return activated_group_norm(x, {groups_, weight, bias, kNormEpsilon, bounded}, activation);
}

void NormImpl::check_groups(const torch::Tensor& x) const {
  check_several_values(x.numel() / x.size(0) / groups_, kind_ == NormKind::group ? "group" : "layer",
                       kind_ == NormKind::group ? "a group" : "a sample", kGroupNormCure);
}

BatchNorm NormImpl::batch_norm(int64_t step) const {
  const int64_t row = running_mean.size(0) == 1 ? 0 : step;
  const torch::Tensor mean = running_mean[row];
  return {weight.defined() ? weight : torch::ones_like(mean),
          bias.defined() ? bias : torch::zeros_like(mean),
          mean,
          running_var[row],
          is_training(),
          kBatchNormMomentum,
          kNormEpsilon};
}

}  // namespace optdnn::modules
