// Depthwise convolution in 16 bits on a GPU: by kernels of the project's own where there are any, else by LibTorch's,
// the gradient of x as a forward convolution by the weights mirrored in both directions, since cuDNN's kernel for that
// gradient takes twice as long as its forward kernel for the same sums.
#pragma once

#include <torch/torch.h>

namespace optdnn::modules {

// Whether it is one for this: "same" padding of an odd kernel, stride 1, 16 bits or autocast, a GPU, a filter a
// channel.
bool is_gpu_depthwise(const torch::Tensor& x, const torch::Tensor& weight, int64_t stride, int64_t padding,
                      int64_t groups);

// Shapes: x_BCHW, weight C x 1 x k x k, bias C -> BCHW. Requires is_gpu_depthwise. Differentiable twice.
torch::Tensor gpu_depthwise(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace optdnn::modules
