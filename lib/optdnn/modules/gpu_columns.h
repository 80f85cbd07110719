// Projections and layer scales in autocast on a GPU, whose sums over rows (the gradients of biases and scales) are made
// by the kernels of kernels/gpu/columns.cuh. Their slow twins are LibTorch's operators: the same products and maps, the
// sums in another order.
#pragma once

#include <torch/torch.h>

namespace optdnn::modules {

// The sum over rows, the gradient of a bias; by a kernel where there is one. Shapes: x_..C -> C.
torch::Tensor sums_of_columns(const torch::Tensor& x);

// Whether it is made so: autocast on, a launcher for the device.
bool gpu_projection_fits(const torch::Tensor& x);

// W x + b. Shapes: x_..C, weight D x C, bias D -> ..D, in autocast's type. Requires that it fits. Differentiable twice.
torch::Tensor gpu_projection(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

// Whether there are kernels for it: autocast on, x in its type.
bool gpu_layer_scale_fits(const torch::Tensor& x, const torch::Tensor& scale);

// scale x. Shapes: x_..C, scale C -> ..C, float32. Requires that it fits. Differentiable twice.
torch::Tensor gpu_layer_scale(const torch::Tensor& x, const torch::Tensor& scale);

}  // namespace optdnn::modules
