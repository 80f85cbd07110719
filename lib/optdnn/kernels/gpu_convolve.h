// 3x3 convolutions of few channels in 16 bits on a GPU as one autograd node, by the kernels of
// kernels/gpu/convolve.cuh: LibTorch's own are made for many channels. They are its slow twin, equal up to the order of
// sums. The batch norm with relu before it and the statistics of the norm behind it can be taken along; their twins are
// the kernels of batch_norm_relu.cuh.
#pragma once

#include <torch/torch.h>

#include "optdnn/kernels/norm_to_make.h"

namespace optdnn::kernels {

// Whether there are kernels for it, or with norms: both of one 16-bit type, channels innermost, multiples of eight up
// to 64 of them.
bool gpu_convolve_fits(const torch::Tensor& x, const torch::Tensor& weight, int64_t stride, bool normed = false);

// "Same" padding, no bias. `norm`: of which x is the stand-in, or null. `left`: where not null, what the kernel's
// blocks leave of the result's moments (gpu/partial.h), parts x blocks x channels of a part x 4. Shapes: x_BCHW, weight
// O x C x 3 x 3 -> B x O x H x W. Requires that it fits. Differentiable twice.
torch::Tensor gpu_convolve(const torch::Tensor& x, const torch::Tensor& weight,
                           const c10::intrusive_ptr<NormToMake>& norm = {}, torch::Tensor* left = nullptr);

}  // namespace optdnn::kernels
