#include "optdnn/training/loss_scale.h"

namespace optdnn::training {

LossScale::LossScale(const torch::Device& device)
    : scale_(torch::full({}, 65536.0, torch::TensorOptions().dtype(torch::kFloat32).device(device))),
      growth_(torch::zeros({}, torch::TensorOptions().dtype(torch::kInt32).device(device))) {}

torch::Tensor LossScale::unscale(const std::vector<torch::Tensor>& gradients) {
  torch::Tensor overflowed = torch::zeros_like(scale_);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, overflowed, scale_.reciprocal());
  return overflowed;
}

void LossScale::update(const torch::Tensor& overflowed) {
  at::_amp_update_scale_(scale_, growth_, overflowed, /*scale_growth_factor=*/2.0, /*scale_backoff_factor=*/0.5,
                         /*growth_interval=*/2000);
}

}  // namespace optdnn::training
