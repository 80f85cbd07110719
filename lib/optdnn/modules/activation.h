// The activations s of a two-layer module W2 s(W1 .).
#pragma once

#include <torch/torch.h>

#include "optdnn/base/names.h"

namespace optdnn::modules {

enum class Activation { relu, gelu, sigmoid, tanh, silu, softplus };

const base::NameTable<Activation>& enum_names(Activation);

torch::Tensor activate(Activation activation, const torch::Tensor& x);

}  // namespace optdnn::modules
