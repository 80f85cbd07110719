// Depthwise convolutions in 16 bits on a GPU, by the kernels of kernels/gpu/depthwise.cuh. LibTorch's are their slow
// twin, equal up to the order of sums.
#pragma once

#include <torch/torch.h>

namespace optdnn::kernels {

// Whether there are kernels for it: one 16-bit type, channels innermost and a multiple of eight, a filter of 3, 5 or 7
// pixels each way for each of them.
bool gpu_depthwise_fits(const torch::Tensor& x, const torch::Tensor& weight);
// The same with a bias, of that type too.
bool gpu_depthwise_fits(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

// "Same" padding, stride 1; `bias` may be undefined. With `mirrored` weights the gradient of x from that of y. Shapes:
// x_BCHW, weight C x 1 x k x k -> BCHW. Requires that it fits; without autograd.
torch::Tensor gpu_depthwise_filtered(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                     bool mirrored);

// The gradients of weight and bias. Shapes: x_BCHW, dy_BCHW -> like weight, C. Requires that it fits, and dy as x.
std::pair<torch::Tensor, torch::Tensor> gpu_depthwise_gradients(const torch::Tensor& x, const torch::Tensor& dy,
                                                                const torch::Tensor& weight);

}  // namespace optdnn::kernels
