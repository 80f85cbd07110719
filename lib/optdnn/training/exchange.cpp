#include "optdnn/training/exchange.h"

namespace optdnn::training {

using torch::Tensor;

Agreed exchange(const world::World& world, const NamedParameters& parameters, const Tensor& losses, bool stop) {
  const torch::NoGradGuard no_grad;
  Tensor numbers = torch::zeros({1 + std::ssize(parameters)}, torch::kFloat64);
  double* flag = numbers.mutable_data_ptr<double>();
  *flag++ = stop ? 1 : 0;
  for (const auto& parameter : parameters) *flag++ = parameter.second.grad().defined() ? 1 : 0;
  Agreed agreed{losses.clone()};
  const bool at_once = losses.is_cpu();  // a GPU is not waited for
  if (at_once) numbers = torch::cat({numbers, losses});
  world.sum({numbers});
  if (at_once) {
    agreed.losses = numbers.narrow(0, 1 + std::ssize(parameters), losses.numel());
  } else {
    world.sum({agreed.losses});
  }
  const double* sum = numbers.const_data_ptr<double>();
  agreed.stop = *sum++ > 0;
  for (const auto& [name, parameter] : parameters) {
    Tensor& gradient = parameter.mutable_grad();
    if (*sum++ > 0 && !gradient.defined()) gradient = torch::zeros_like(parameter);
  }
  return agreed;
}

int64_t fingerprint(const std::vector<Tensor>& tensors) {
  const torch::NoGradGuard no_grad;
  int64_t number = 0;
  for (const Tensor& tensor : tensors) {
    const Tensor bytes = tensor.detach().contiguous();
    const Tensor words = bytes.element_size() == 8   ? bytes.view(torch::kInt64)
                         : bytes.element_size() == 4 ? bytes.view(torch::kInt32)
                                                     : bytes.view(torch::kUInt8);
    // Unsigned, so that an overflow is allowed.
    number = static_cast<int64_t>(static_cast<uint64_t>(number) * 31 +
                                  static_cast<uint64_t>(words.sum(torch::kInt64).item<int64_t>()));
  }
  return number;
}

}  // namespace optdnn::training
