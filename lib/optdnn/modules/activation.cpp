#include "optdnn/modules/activation.h"

namespace optdnn::modules {

const base::NameTable<Activation>& enum_names(Activation) {
  static const base::NameTable<Activation> table(
      "activations", {
                         {"relu", "max(x, 0)", Activation::relu},
                         {"gelu", "x times the normal distribution function", Activation::gelu},
                         {"sigmoid", "1 / (1 + exp(-x))", Activation::sigmoid},
                         {"tanh", "hyperbolic tangent", Activation::tanh},
                         {"silu", "x times sigmoid(x)", Activation::silu},
                         {"softplus", "log(1 + exp(x))", Activation::softplus},
                     });
  return table;
}

torch::Tensor activate(Activation activation, const torch::Tensor& x) {
  switch (activation) {
    case Activation::relu:
      return torch::relu(x);
    case Activation::gelu:
      return torch::gelu(x);
    case Activation::sigmoid:
      return torch::sigmoid(x);
    case Activation::tanh:
      return torch::tanh(x);
    case Activation::silu:
      return torch::silu(x);
    case Activation::softplus:
      return torch::softplus(x);
  }
  TORCH_INTERNAL_ASSERT(false, "unreachable");
}

}  // namespace optdnn::modules
