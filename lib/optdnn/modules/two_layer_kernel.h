// W2 s(W1 x + b1) + b2 as one node of the autograd graph, for networks so small that the operators' own overhead is
// most of their time. Samples are the innermost dimension inside, so that every loop runs over them whatever the width.
// It gives the numbers of the plain operators up to rounding.
#pragma once

#include "optdnn/modules/activation.h"

namespace optdnn::modules {

struct TwoLayerWeights {
  torch::Tensor W1, b1, W2, b2;  // H x D, H, D x H, D; with runs each has a leading R
};

// Whether the kernel takes this call: small float32 or float64 layers on the CPU, an activation whose derivative
// follows from its value, and gradients wanted. Evaluations, multiply-add counts and autocast take the plain way.
bool two_layer_kernel_fits(const torch::Tensor& x, const TwoLayerWeights& weights, Activation activation);

// Shapes: x_BD -> B x D; with runs x_RBD -> R x B x D. Differentiable any number of times.
// Requires two_layer_kernel_fits.
torch::Tensor two_layer_kernel(const torch::Tensor& x, const TwoLayerWeights& weights, Activation activation);

// The same by LibTorch's operators.
torch::Tensor two_layer_plain(const torch::Tensor& x, const TwoLayerWeights& weights, Activation activation);

}  // namespace optdnn::modules
