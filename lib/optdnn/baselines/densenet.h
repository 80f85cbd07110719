// The CIFAR DenseNets as published: three dense blocks of n layers, each layer reading all features so far,
//   features+ = [features, Layer(features)],  Layer = Conv3x3 relu Norm, or Conv3x3 relu Norm Conv1x1 relu Norm (B),
// and between them Norm-relu-Conv1x1-mean of 2x2, which may compress (C).      Huang et al. 2017, arXiv 1608.06993
#pragma once

#include "optdnn/baselines/spec.h"
#include "optdnn/models/ends.h"
#include "optdnn/modules/convolutional.h"

namespace optdnn::baselines {

// Errors: ConfigError if the layers are not 3n+4 (6n+4 with bottlenecks) the input is no image, or a too small one.
void check(const DenseNetSpec& spec, const NetworkShape& shape);

class DenseNetImpl : public torch::nn::Module {
 public:
  // Errors: those of check.
  DenseNetImpl(const DenseNetSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  using Layer = std::shared_ptr<modules::ConvPreact>;
  torch::Tensor added(const Layer& layer, const std::vector<torch::Tensor>& features) const;

  bool memory_efficient_;
  std::shared_ptr<models::Map> stem_, head_;
  std::vector<std::vector<Layer>> blocks_;
  std::vector<std::shared_ptr<models::Map>> transitions_;
};
TORCH_MODULE(DenseNet);

}  // namespace optdnn::baselines
