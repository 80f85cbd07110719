// relu(batch norm(x)) on a GPU as one autograd node, by the kernels of kernels/gpu/batch_norm_relu.cuh: two forward and
// two backward, in float32 and in both 16-bit types. Its slow twin are LibTorch's own two operators, equal up to
// rounding: with 16 bits those round once more, between norm and relu.
#pragma once

#include "optdnn/kernels/gpu/batch_norm_relu.h"
#include "optdnn/kernels/gpu_rows.h"
#include "optdnn/modules/batch_norm_relu.h"

namespace optdnn::modules {

// Whether there are kernels for it: training, channels innermost, a launcher for its device.
bool gpu_batch_norm_relu_fits(const torch::Tensor& x, const BatchNorm& norm);

// Shapes: x_BCHW -> the same. Requires that it fits. Differentiable twice.
torch::Tensor gpu_batch_norm_relu(const torch::Tensor& x, const BatchNorm& norm);

// What all of its kernels are told; statistics_2C: means, and inverses of deviations, which the first one makes. For
// those who make x, or take the gradient on, in kernels of their own.
kernels::gpu::BatchNormRelu gpu_norm_arguments(const kernels::GpuRows& rows, const torch::Tensor& x,
                                               const BatchNorm& norm, const torch::Tensor& statistics_2C);

// The backward pass but for its last pass over memory, whose arguments these are, but for where it writes.
struct GpuNormBackward {
  kernels::gpu::BatchNormRelu arguments;
  torch::Tensor d_weight, d_bias;
};
GpuNormBackward gpu_norm_backward(kernels::Launcher& launcher, const kernels::GpuRows& rows, const torch::Tensor& dy,
                                  const torch::Tensor& x, const BatchNorm& norm, const torch::Tensor& statistics_2C);

}  // namespace optdnn::modules
