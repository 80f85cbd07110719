#include "optdnn/training/gradients.h"

namespace optdnn::training {

std::vector<torch::Tensor> gradients_of(const NamedParameters& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const auto& item : parameters) {
    if (item.second.grad().defined()) gradients.push_back(item.second.grad());
  }
  return gradients;
}

void clear_gradients(const NamedParameters& parameters) {
  for (const auto& item : parameters) item.second.mutable_grad().reset();
}

torch::Tensor gradient_norm(const std::vector<torch::Tensor>& gradients, int64_t runs) {
  const torch::NoGradGuard no_grad;
  if (gradients.empty()) return torch::zeros({});
  if (runs > 1) {
    torch::Tensor squares_R;
    for (const torch::Tensor& gradient : gradients) {
      const torch::Tensor square = gradient.reshape({runs, -1}).square().sum(1);
      squares_R = squares_R.defined() ? squares_R + square : square;
    }
    return squares_R.sqrt().to(torch::kFloat32);
  }
  return torch::stack(at::_foreach_norm(gradients)).norm().to(torch::kFloat32);
}

}  // namespace optdnn::training
