// The CIFAR DenseNets as published: three dense blocks of n layers, each layer reading all features so far,
//   features+ = [features, Layer(features)],  Layer = Conv3x3 relu Norm, or Conv3x3 relu Norm Conv1x1 relu Norm (B),
// and between them Norm-relu-Conv1x1-mean of 2x2, which may compress (C).      Huang et al. 2017, arXiv 1608.06993
#pragma once

#include "optdnn/baselines/baseline.h"
#include "optdnn/models/ends.h"
#include "optdnn/modules/pre_activation.h"

namespace optdnn::baselines {

struct DenseNetSpec {
  static constexpr std::string_view kName = "densenet";
  static constexpr std::string_view kHelp =
      "the published DenseNets and DenseNets-BC for CIFAR, three dense blocks (Huang et al. 2017)";
  int64_t layers = 40;
  int64_t growth = 12;
  bool bottleneck = false;
  double compression = 1.0;
  bool memory_efficient = false;
  template <class Fields>
  void fields(Fields& f) {
    f("layers", layers, config::between(7, 6004), "weight layers, 3n+4, or 6n+4 with bottlenecks");
    f("growth", growth, config::between(1, 4096), "channels a layer adds");
    f("bottleneck", bottleneck, "a 1x1 convolution to 4 growth channels before each 3x3 (B)");
    f("compression", compression, config::above(0) & config::at_most(1),
      "share of the channels that a transition keeps (C: 0.5)");
    f("memory_efficient", memory_efficient,
      "layers are computed again in the backward pass, not kept: less memory, more time");
  }
  // Errors: ConfigError if the layers are not 3n+4, or 6n+4 with bottlenecks; if the input is no image, or too small.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

class DenseNetImpl : public torch::nn::Module {
 public:
  // Errors: those of the spec's check.
  DenseNetImpl(const DenseNetSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  using Layer = std::shared_ptr<modules::PreActivation>;
  torch::Tensor added(const Layer& layer, const std::vector<torch::Tensor>& features) const;

  bool memory_efficient_;
  std::shared_ptr<models::End> stem_, head_;
  std::vector<std::vector<Layer>> blocks_;
  std::vector<std::shared_ptr<models::End>> transitions_;
};
TORCH_MODULE(DenseNet);

}  // namespace optdnn::baselines
