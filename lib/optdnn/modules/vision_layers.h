// The layers of ConvNeXt and ViT. They differ from layers.h in their initial weights: normal of deviation 0.02, cut at
// +-2 as the published code does (a hundred deviations), biases zero; norms have epsilon 1e-6.
// Sources: Liu et al. 2022, arXiv 2201.03545; Touvron et al. 2021, arXiv 2012.12877.
#pragma once

#include <torch/torch.h>

#include "optdnn/modules/count.h"
#include "optdnn/modules/gpu_layer_norm.h"

namespace optdnn::modules {

torch::Tensor truncated_normal(torch::IntArrayRef sizes);

// Shapes: x_..C -> ..D.
class ProjectionImpl : public torch::nn::Module {
 public:
  ProjectionImpl(int64_t inputs, int64_t outputs);
  torch::Tensor forward(const torch::Tensor& x);
  torch::Tensor weight, bias;
};
TORCH_MODULE(Projection);

struct Window {
  int64_t kernel_px, stride, padding;
};

// Shapes: images_BCHW -> B x outputs x H' x W'.
class BiasedConvolutionImpl : public torch::nn::Module {
 public:
  BiasedConvolutionImpl(int64_t inputs, int64_t outputs, Window window, int64_t groups = 1);
  torch::Tensor forward(const torch::Tensor& x);
  torch::Tensor weight, bias;

 private:
  Window window_;
  int64_t groups_;
};
TORCH_MODULE(BiasedConvolution);

// Normalisation over the last dimension. Shapes: x_..C -> ..C.
class LastNormImpl : public torch::nn::Module {
 public:
  explicit LastNormImpl(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x, NormReader reader);
  // Over the channels of images_BCHW.
  torch::Tensor over_channels(const torch::Tensor& images_BCHW, NormReader reader);
  torch::Tensor weight, bias;
};
TORCH_MODULE(LastNorm);

// The two-layer network of both modules, fc2 act(fc1 x).
class TwoLayersImpl : public torch::nn::Module {
 public:
  TwoLayersImpl(int64_t width, int64_t hidden, Activation activation);
  torch::Tensor forward(const torch::Tensor& x) { return fc2->forward(activate(activation_, fc1->forward(x))); }
  Projection fc1, fc2;

 private:
  Activation activation_;
};
TORCH_MODULE(TwoLayers);

Count count_two_layers(int64_t width, int64_t hidden, Activation activation, int64_t positions);

// With probability `rate` a sample's x becomes zero, else x / (1 - rate); in evaluation x (Huang et al. 2016). Drawn
// from torch's generator. Shapes: x_B...
torch::Tensor drop_path(const torch::Tensor& x, double rate, bool training);

}  // namespace optdnn::modules
