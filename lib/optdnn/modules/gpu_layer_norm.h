// Layer norm over the last dimension in autocast on a GPU, as one autograd node, by the kernels of
// kernels/gpu/layer_norm.cuh: one forward and two backward. It reads and writes 16 bits or float32 as its neighbours
// have them, and computes in float32. Its slow twin is LibTorch's operator between casts, equal up to rounding.
#pragma once

#include <torch/torch.h>

namespace optdnn::modules {

// What reads the normalised numbers: a state, which autocast leaves in float32, or a product, which casts them.
enum class NormReader { state, product };

// The type autocast wants of them; float32 outside of it.
torch::Dtype normed_type(const torch::Tensor& x, NormReader reader);

// Whether there are kernels for it: autocast on, one side in 16 bits, rows of at most 1024 numbers in a multiple of
// eight, or 256.
bool gpu_layer_norm_fits(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                         torch::Dtype to);

// Shapes: x_..C, weight and bias C -> ..C. Requires that it fits. Differentiable twice.
torch::Tensor gpu_layer_norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                             double epsilon, torch::Dtype to);

}  // namespace optdnn::modules
