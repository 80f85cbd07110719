// relu(batch norm(x)) that is not made yet: a convolution makes it while it reads x, so that it is never written, and
// takes in its own backward pass what the norm's needs of its gradient. Whoever has it reads a stand-in, with the
// numbers of x and the gradient of batch norm(x).
#pragma once

#include <torch/torch.h>

#include <optional>

#include "optdnn/kernels/channel_norm.h"

namespace optdnn::kernels {

struct NormToMake : torch::CustomClassHolder {
  int64_t readers = 0;  // what the only reader's backward pass leaves is taken by the norm's, which masks it otherwise

  // On a CPU.
  ChannelMap map;                   // the norm
  std::vector<double> mean;         // of x
  std::optional<ChannelSums> sums;  // left

  // On a GPU, where numbers stay.
  torch::Tensor weight, bias;      // C each
  torch::Tensor statistics_2C;     // means, inverses of deviations
  torch::Tensor d_weight, d_bias;  // left

  bool is_on_gpu() const { return statistics_2C.defined(); }

  // relu(batch norm(x)) of the stand-in by LibTorch's operators, for second derivatives: another reader of it.
  torch::Tensor relu_of(const torch::Tensor& stand_in);
};

}  // namespace optdnn::kernels
