#include "optdnn/kernels/norm_to_make.h"

namespace optdnn::kernels {

using torch::Tensor;

Tensor NormToMake::relu_of(const Tensor& stand_in) {
  ++readers;
  const Tensor x = stand_in.detach();
  const auto beside = [](const Tensor& per_channel) { return per_channel.detach().view({1, -1, 1, 1}); };
  const auto of_cpu = [&](const std::vector<double>& numbers) {
    return beside(torch::tensor(numbers, torch::kFloat64).to(x.scalar_type()));
  };
  const auto normed = [&]() -> Tensor {
    if (!is_on_gpu()) return x * of_cpu(map.scale) + of_cpu(map.shift);
    return (x - beside(statistics_2C[0])) * beside(statistics_2C[1] * weight) + beside(bias);
  };
  return torch::relu(normed().to(x.scalar_type()) + (stand_in - x));
}

}  // namespace optdnn::kernels
