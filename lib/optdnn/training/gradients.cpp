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

torch::Tensor gradient_norm(const std::vector<torch::Tensor>& gradients) {
  const torch::NoGradGuard no_grad;
  if (gradients.empty()) return torch::zeros({});
  return torch::stack(at::_foreach_norm(gradients)).norm().to(torch::kFloat32);
}

}  // namespace optdnn::training
