// relu(batch norm(x)) on a GPU, by the kernels of kernels/gpu/batch_norm_relu.cuh: two forward and two backward, in
// float32 and in both 16-bit types; a convolution before or behind it can do the first three on its way. Its slow twin
// are LibTorch's own two operators, equal up to rounding: with 16 bits those round once more, between norm and relu.
#pragma once

#include "optdnn/kernels/gpu/batch_norm_relu.h"
#include "optdnn/kernels/gpu_rows.h"
#include "optdnn/modules/batch_norm_relu.h"

namespace optdnn::modules {

// Whether there are kernels for it: training, channels innermost, a launcher for its device.
bool gpu_batch_norm_relu_fits(const torch::Tensor& x, const BatchNorm& norm);

// To be made. `left`: what the blocks of the convolution that has made x have left of its moments, or not defined.
// Shapes: x_BCHW -> the same. Requires that it fits. Differentiable twice.
NormedRelu gpu_batch_norm_relu_to_make(const torch::Tensor& x, const BatchNorm& norm, const torch::Tensor& left);
torch::Tensor gpu_mapped_relu(const torch::Tensor& x, const NormToMake& norm);

// For those who make x, or take the gradient on, in kernels of their own. The norm that is to be made of what a first
// kernel says of x, and what all its kernels are told.
c10::intrusive_ptr<NormToMake> gpu_norm_to_make(const BatchNorm& norm);
kernels::gpu::BatchNormRelu gpu_norm_arguments(const kernels::GpuRows& rows, const torch::Tensor& x,
                                               const NormToMake& norm);
// The same for that first one, which updates what the norm keeps of all batches.
kernels::gpu::BatchNormRelu gpu_statistics_arguments(const kernels::GpuRows& rows, const torch::Tensor& x,
                                                     const NormToMake& to_make, const BatchNorm& norm);

// The backward pass but for its last pass over memory, whose arguments these are, but for where it writes. The sums are
// those that the norm's reader has left, if it has.
struct GpuNormBackward {
  kernels::gpu::BatchNormRelu arguments;
  torch::Tensor d_weight, d_bias;
};
GpuNormBackward gpu_norm_backward(kernels::Launcher& launcher, const kernels::GpuRows& rows, const torch::Tensor& dy,
                                  const torch::Tensor& x, NormToMake& norm);

}  // namespace optdnn::modules
