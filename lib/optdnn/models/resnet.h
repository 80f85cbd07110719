// The CIFAR ResNets as published: 6n+2 weight layers, three stages of n blocks, the first block of a later stage
// strided.
//   post: x+ = relu(shortcut(x) + Norm Conv relu Norm Conv x)            He et al. 2016,  arXiv 1512.03385
//   pre:  x+ = shortcut(x) + Conv relu Norm Conv relu Norm x             He et al. 2016b, arXiv 1603.05027
#pragma once

#include "optdnn/models/spec.h"

namespace optdnn::models {

// Errors: ConfigError if the layers are not 6n+2 or the input is no image.
void check(const ResNetSpec& spec, const NetworkShape& shape);

class ResNetImpl : public torch::nn::Module {
 public:
  // Errors: those of check.
  ResNetImpl(const ResNetSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  struct Block;
  ResNetSpec spec_;
  modules::Convolution stem_;
  modules::Norm stem_norm_{nullptr};  // post only
  std::vector<std::shared_ptr<Block>> blocks_;
  modules::Norm last_norm_{nullptr};  // pre only
  modules::Affine head_{nullptr};
};
TORCH_MODULE(ResNet);

}  // namespace optdnn::models
