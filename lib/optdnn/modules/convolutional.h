// The convolutional modules:
//   conv_preact             Norm-s-Conv3x3-Norm-s-Conv3x3            (He et al. 2016b)
//   conv_postact            Conv3x3-Norm-s-Conv3x3-Norm              (He et al. 2016)
//   conv_bottleneck_preact  1x1, 3x3, 1x1, each after Norm-s, a quarter of the width inside
//   conv_single             Norm-s-Conv3x3                           (the layer of Huang et al. 2017)
// They are one list of layers: [norm, activation,] convolution, ... in the order of their name.
#pragma once

#include "optdnn/modules/activation.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/module.h"

namespace optdnn::modules {

// (Norm-s-Conv) repeated; `kernels_px` and `channels` have one entry per convolution, the last channels are the width.
class ConvPreact : public Module {
 public:
  ConvPreact(int64_t width, std::vector<int64_t> kernels_px, std::vector<int64_t> channels, Activation activation,
             NormKind norm, int64_t steps);
  torch::Tensor forward(const torch::Tensor& x, int64_t step) override;
  std::optional<BatchNorm> first_norm(int64_t step) override { return norms_.front()->with_relu(activation_, step); }
  torch::Tensor after_first_norm(const torch::Tensor& normed, int64_t step) override;
  std::vector<torch::Tensor> last_layer() override { return {convolutions_.back()->weight}; }

 private:
  std::vector<Norm> norms_;
  std::vector<Convolution> convolutions_;
  Activation activation_;
};

class ConvPostact : public Module {
 public:
  ConvPostact(int64_t width, Activation activation, NormKind norm, int64_t steps);
  torch::Tensor forward(const torch::Tensor& x, int64_t step) override;
  std::vector<torch::Tensor> last_layer() override;

 private:
  Convolution conv1_, conv2_;
  Norm norm1_, norm2_;
  Activation activation_;
};

}  // namespace optdnn::modules
