#include "optdnn/modules/normalisation.h"

#include <c10/core/impl/LocalDispatchKeySet.h>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::modules {

using torch::Tensor;

const base::NameTable<Normalisation>& enum_names(Normalisation) {
  static const base::NameTable<Normalisation> table(
      "normalisations",
      {
          {"weight", "a length of its own for the weights of each output; no bound", Normalisation::weight},
          {"spectral", "the Lipschitz constant is bounded", Normalisation::spectral},
      });
  return table;
}

Tensor weight_normalised(const Tensor& weight, const Tensor& gain) {
  const Tensor length = weight.flatten(1).norm(2, 1);
  return weight * (gain / length).view({-1, 1, 1, 1});
}

namespace {

constexpr int kSquarings = 20;  // G^(2^20): what stands beside the largest eigenvalue is off by 1e-7 of it at most

// The largest eigenvalue, without waiting for the device and without a decomposition, which has no 16-bit kernel and
// cannot be recorded: v^T G v with the leading eigenvector v from repeated squaring. Its derivative is exact once: that
// of v adds nothing to it.
Tensor eigenvalue_by_squaring(const Tensor& gram) {
  Tensor leading;
  {
    const torch::NoGradGuard no_grad;
    Tensor power = gram;
    for (int i = 0; i < kSquarings; ++i) {
      power = power / power.norm(2, {-2, -1}, true).clamp_min(1e-30);
      power = power.matmul(power);
    }
    const Tensor longest = power.diagonal(0, -2, -1).argmax(-1, true).unsqueeze(-2);
    std::vector<int64_t> column = gram.sizes().vec();
    column.back() = 1;
    leading = power.gather(-1, longest.expand(column));
    leading = leading / leading.norm(2, {-2, -1}, true).clamp_min(1e-30);
  }
  return leading.mul(gram.matmul(leading)).sum({-2, -1});
}

}  // namespace

Tensor largest_eigenvalue(const Tensor& gram, bool by_squaring) {
  return by_squaring ? eigenvalue_by_squaring(gram) : std::get<0>(torch::linalg_eigvalsh(gram).max(-1));
}

// Of the smaller Gram matrix. Zero weights have norm 1e-12 and no gradient here.
Tensor spectral_norm(const Tensor& weight) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const Tensor transposed = weight.transpose(-2, -1);
  const Tensor gram = weight.size(-2) < weight.size(-1) ? weight.matmul(transposed) : transposed.matmul(weight);
  return largest_eigenvalue(gram, !gram.device().is_cpu()).clamp_min(1e-24).sqrt();
}

Tensor convolution_norm(const Tensor& weight) {
  return spectral_norm(weight.flatten(1)) * static_cast<double>(weight.size(-1));
}

void check_several_values(int64_t values, std::string_view norm, std::string_view of, std::string_view cure) {
  if (values > 1) return;
  throw base::ConfigError(base::concat("a ", norm, " norm would see one value of ", of, ", which has no deviation"),
                          std::string(cure));
}

double lipschitz_constant(Activation activation) {
  switch (activation) {
    case Activation::sigmoid:
      return 0.25;
    case Activation::gelu:
      return 1.1290;  // at sqrt(2)
    case Activation::silu:
      return 1.0999;  // at 2.3994
    case Activation::relu:
    case Activation::tanh:
    case Activation::softplus:
      return 1.0;
  }
  TORCH_INTERNAL_ASSERT(false, "unreachable");
}

Tensor lipschitz_scale(double lipschitz, const Tensor& norms, Activation activation) {
  return (lipschitz / (norms * lipschitz_constant(activation))).clamp_max(1.0);
}

Tensor bounded_group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias) {
  const int64_t batch = x.size(0), channels = x.size(1);
  check_several_values(x.numel() / batch / groups, "group", "a group", kGroupNormCure);
  const std::vector<int64_t> by_group{batch, groups, channels / groups, x.size(2), x.size(3)};
  const Tensor grouped = x.reshape(by_group);
  const Tensor mean = grouped.mean({2, 3, 4}, true);
  const Tensor deviation = (grouped.pow(2).mean({2, 3, 4}, true) - mean.pow(2)).clamp_min(1.0).sqrt();
  // One affine map per sample and channel.
  const Tensor scale = (weight.clamp(-1.0, 1.0).view({1, groups, -1, 1, 1}) / deviation);
  const Tensor shift = bias.view({1, groups, -1, 1, 1}) - mean * scale;
  return torch::addcmul(shift.reshape({batch, channels, 1, 1}), x, scale.reshape({batch, channels, 1, 1}));
}

}  // namespace optdnn::modules
