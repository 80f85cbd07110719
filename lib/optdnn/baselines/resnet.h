// The CIFAR ResNets and wide ResNets as published: three stages of n blocks, the first block of a later stage strided.
//   post: x+ = relu(shortcut(x) + Norm Conv relu Norm Conv x)            He et al. 2016,  arXiv 1512.03385
//   pre:  x+ = shortcut(x) + Conv relu Norm Conv relu Norm x             He et al. 2016b, arXiv 1603.05027
//   wrn:  pre, k times as wide, with dropout between the convolutions    Zagoruyko, Komodakis 2016, arXiv 1605.07146
#pragma once

#include "optdnn/baselines/spec.h"

namespace optdnn::baselines {

// Errors: ConfigError if the layers are not 6n+2 (wrn: 6n+4) or the input is no image.
void check(const ResNetSpec& spec, const NetworkShape& shape);
void check(const WrnSpec& spec, const NetworkShape& shape);

// What the two have in common. A block whose width changes has a shortcut of its own.
struct ResidualLayout {
  int64_t blocks;       // per stage
  int64_t stem, width;  // channels of the stem and of the first stage; doubled twice
  Shortcut shortcut;
  BlockOrder order;
  double dropout;
};

// Errors: those of check.
ResidualLayout residual_layout(const ResNetSpec& spec, const NetworkShape& shape);
ResidualLayout residual_layout(const WrnSpec& spec, const NetworkShape& shape);

class ResNetImpl : public torch::nn::Module {
 public:
  ResNetImpl(const ResidualLayout& layout, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  struct Block;
  modules::Convolution stem_;
  modules::Norm stem_norm_{nullptr};  // post only
  std::vector<std::shared_ptr<Block>> blocks_;
  modules::Norm last_norm_{nullptr};  // pre only
  modules::Affine head_{nullptr};
};
TORCH_MODULE(ResNet);

}  // namespace optdnn::baselines
