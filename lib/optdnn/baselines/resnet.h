// The CIFAR ResNets and wide ResNets as published: three stages of n blocks, the first block of a later stage strided.
//   post: x+ = relu(shortcut(x) + Norm Conv relu Norm Conv x)            He et al. 2016,  arXiv 1512.03385
//   pre:  x+ = shortcut(x) + Conv relu Norm Conv relu Norm x             He et al. 2016b, arXiv 1603.05027
//   wrn:  pre, k times as wide, with dropout between the convolutions    Zagoruyko, Komodakis 2016, arXiv 1605.07146
#pragma once

#include "optdnn/baselines/baseline.h"

namespace optdnn::baselines {

enum class Shortcut { a, b };
const base::NameTable<Shortcut>& enum_names(Shortcut);
enum class BlockOrder { post, pre };
const base::NameTable<BlockOrder>& enum_names(BlockOrder);

struct ResNetSpec {
  static constexpr std::string_view kName = "resnet";
  static constexpr std::string_view kHelp = "the published CIFAR ResNets, 6n+2 layers in three stages (He et al. 2016)";
  int64_t layers = 20;
  int64_t width = 16;
  Shortcut shortcut = Shortcut::a;
  BlockOrder order = BlockOrder::post;
  template <class Fields>
  void fields(Fields& f) {
    f("layers", layers, config::between(8, 6002), "weight layers, 6n+2");
    f("width", width, config::between(1, 4096), "channels of the first stage; doubled twice");
    f("shortcut", shortcut, "where a stage begins: a is padding, b a 1x1 convolution");
    f("order", order, "post: convolution, norm, activation; pre: norm, activation, convolution (He et al. 2016b)");
  }
  // Errors: ConfigError if the layers are not 6n+2 or the input is no image.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

struct WrnSpec {
  static constexpr std::string_view kName = "wrn";
  static constexpr std::string_view kHelp =
      "wide ResNets, 6n+4 layers in three stages of pre-activation blocks (Zagoruyko, Komodakis 2016)";
  int64_t layers = 28;
  int64_t widening = 10;
  double dropout = 0.0;
  template <class Fields>
  void fields(Fields& f) {
    f("layers", layers, config::between(10, 6004), "weight layers, 6n+4");
    f("widening", widening, config::between(1, 256), "the stages have 16, 32 and 64 times this many channels");
    f("dropout", dropout, config::at_least(0) & config::less_than(1),
      "probability of a zero between a block's convolutions");
  }
  // Errors: ConfigError if the layers are not 6n+4 or the input is no image.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

// What the two have in common. A block whose width changes has a shortcut of its own.
struct ResidualLayout {
  int64_t blocks;       // per stage
  int64_t stem, width;  // channels of the stem and of the first stage; doubled twice
  Shortcut shortcut;
  BlockOrder order;
  double dropout;
};

// Errors: those of the spec's check.
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
