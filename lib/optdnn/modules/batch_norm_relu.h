// relu(batch norm(x)) as one autograd node for images on the CPU whose channels lie innermost: eight passes over memory
// in the place of some fourteen. Its slow twin are LibTorch's own two operators, equal up to rounding.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "optdnn/kernels/norm_to_make.h"

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

using kernels::NormToMake;

// relu(batch norm(x)), made or not yet (norm_to_make.h): a convolution can make it while it reads x (convolve.h).
class NormedRelu {
 public:
  NormedRelu(torch::Tensor made) : x_(std::move(made)) {}  // NOLINT: it is one
  // `stand_in` has the numbers of x and the gradient of batch norm(x).
  NormedRelu(torch::Tensor stand_in, c10::intrusive_ptr<NormToMake> norm)
      : x_(std::move(stand_in)), norm_(std::move(norm)) {}

  torch::Tensor made() const;
  const c10::intrusive_ptr<NormToMake>& norm() const { return norm_; }  // null: it is made
  const torch::Tensor& x() const { return x_; }                         // the stand-in, or what is made

 private:
  torch::Tensor x_;
  c10::intrusive_ptr<NormToMake> norm_;
};

// What the convolution that has made x knows of its moments: on a CPU themselves, on a GPU what the blocks of its
// kernel have left of them (kernels/gpu_convolve.h).
struct KnownMoments {
  std::optional<kernels::ChannelMoments> all;
  torch::Tensor left;
};

// batch_norm_relu(x, norm) to be made, in one or two passes less over memory. Made already where it does not fit.
NormedRelu batch_norm_relu_to_make(const torch::Tensor& x, const BatchNorm& norm, const KnownMoments& moments = {});

// The pieces of that node, for one that makes x too. All require that it fits.
struct BatchStatistics {
  std::vector<double> mean, inverse;  // C each; the inverse of the deviation
  double epsilon;
};

// From the moments of a batch of `rows` samples and pixels; updates what the norm keeps of all batches.
BatchStatistics take_statistics(const kernels::ChannelMoments& moments, const BatchNorm& norm, int64_t rows);

// relu(weight (x - mean) inverse + bias), to be made. Its stand-in has no history yet.
NormedRelu normalised_relu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                           const BatchStatistics& statistics);
torch::Tensor mapped_relu(const torch::Tensor& x, const kernels::ChannelMap& map);

// The backward pass but for its last pass over memory. dy and x lie alike. The sums are taken of `norm` where its
// reader has left them.
struct BatchNormReluBackward {
  kernels::ChannelMap map;
  kernels::ChannelSlopes slopes;  // for ReluBackward
  torch::Tensor d_weight, d_bias;
};
BatchNormReluBackward batch_norm_relu_backward(const torch::Tensor& dy, const torch::Tensor& x,
                                               const torch::Tensor& weight, const torch::Tensor& bias,
                                               const BatchStatistics& statistics, NormToMake* norm = nullptr);

// The gradients of x, weight and bias by LibTorch's operators, to be differentiated themselves.
std::vector<torch::Tensor> batch_norm_relu_gradients(const torch::Tensor& dy, const torch::Tensor& x,
                                                     const torch::Tensor& weight, const torch::Tensor& bias,
                                                     double epsilon);

}  // namespace optdnn::modules
