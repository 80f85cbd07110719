// relu(batch norm(x)) as one autograd node for images on the CPU whose channels lie innermost: eight passes over memory
// in the place of some fourteen. Its slow twin are LibTorch's own two operators, equal up to rounding.
#pragma once

#include <torch/torch.h>

#include "optdnn/kernels/channel_norm.h"

namespace optdnn::modules {

struct BatchNorm {
  torch::Tensor weight, bias, running_mean, running_var;  // C each; the running ones are updated while training
  bool training;
  double momentum, epsilon;
};

// Shapes: x_BCHW -> the same. One node where batch_norm_relu_fits, or on a GPU gpu_batch_norm_relu_fits, else the two
// operators. Differentiable twice.
torch::Tensor batch_norm_relu(const torch::Tensor& x, const BatchNorm& norm);
bool batch_norm_relu_fits(const torch::Tensor& x, const BatchNorm& norm);

// The pieces of that node, for one that makes x too. All require that it fits.
struct BatchStatistics {
  std::vector<double> mean, inverse;  // C each; the inverse of the deviation
  double epsilon;
};

// From the moments of a batch of `rows` samples and pixels; updates what the norm keeps of all batches.
BatchStatistics take_statistics(const kernels::ChannelMoments& moments, const BatchNorm& norm, int64_t rows);

// relu(weight (x - mean) inverse + bias).
torch::Tensor normalised_relu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                              const BatchStatistics& statistics);

// The backward pass but for its last pass over memory. dy and x lie alike.
struct BatchNormReluBackward {
  kernels::ChannelMap map;
  kernels::ChannelSlopes slopes;  // for ReluBackward
  torch::Tensor d_weight, d_bias;
};
BatchNormReluBackward batch_norm_relu_backward(const torch::Tensor& dy, const torch::Tensor& x,
                                               const torch::Tensor& weight, const torch::Tensor& bias,
                                               const BatchStatistics& statistics);

// The gradients of x, weight and bias by LibTorch's operators, to be differentiated themselves.
std::vector<torch::Tensor> batch_norm_relu_gradients(const torch::Tensor& dy, const torch::Tensor& x,
                                                     const torch::Tensor& weight, const torch::Tensor& bias,
                                                     double epsilon);

}  // namespace optdnn::modules
