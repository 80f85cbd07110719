// 3x3 convolutions of few channels in 16 bits on a GPU as one autograd node, by the kernels of
// kernels/gpu/convolve.cuh: LibTorch's own are made for many channels. They are its slow twin, equal up to the order of
// sums.
#pragma once

#include <torch/torch.h>

namespace optdnn::kernels {

// Whether there are kernels for it: both of one 16-bit type, channels innermost, multiples of eight up to 64 of them.
bool gpu_convolve_fits(const torch::Tensor& x, const torch::Tensor& weight, int64_t stride);

// "Same" padding, no bias. Shapes: x_BCHW, weight O x C x 3 x 3 -> B x O x H x W. Requires that it fits. Differentiable
// twice.
torch::Tensor gpu_convolve(const torch::Tensor& x, const torch::Tensor& weight);

}  // namespace optdnn::kernels
