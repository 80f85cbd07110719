#include "optdnn/baselines/densenet.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/execution/recompute.h"
#include "optdnn/models/image_sizes.h"

namespace optdnn::baselines {

using base::concat;

void check(const DenseNetSpec& spec, const NetworkShape& shape) {
  if (!shape.is_image()) {
    throw base::ConfigError("model 'densenet' wants images, the data set has vectors", "model: mlp");
  }
  const int64_t per_layer = spec.bottleneck ? 6 : 3;
  if ((spec.layers - 4) % per_layer != 0 || spec.layers == 4) {
    throw base::ConfigError(concat("model 'densenet' wants ", per_layer, "n+4 layers",
                                   spec.bottleneck ? " with bottlenecks" : "", ", received ", spec.layers),
                            spec.bottleneck ? "100, 190, 250" : "40, 52, 100");
  }
  models::check_block_sizes(spec.kName, models::DenseTransition{}, 3, shape);
}

DenseNetImpl::DenseNetImpl(const DenseNetSpec& spec, const NetworkShape& shape)
    : memory_efficient_(spec.memory_efficient) {
  check(spec, shape);
  const int64_t growth = spec.growth, layers = (spec.layers - 4) / (spec.bottleneck ? 6 : 3);
  const std::vector<int64_t> kernels_px = spec.bottleneck ? std::vector<int64_t>{1, 3} : std::vector<int64_t>{3};
  const auto channels = spec.bottleneck ? std::vector<int64_t>{4 * growth, growth} : std::vector<int64_t>{growth};
  // Paper: 16 channels, or twice the growth rate for DenseNet-BC.
  int64_t width = spec.bottleneck ? 2 * growth : 16;
  stem_ = register_module("stem", models::make_stem(models::ConvStem{}, shape, width));
  for (int64_t block = 0; block < 3; ++block) {
    if (block > 0) {
      const auto kept = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(width) * spec.compression));
      transitions_.push_back(
          register_module(concat("transition_", block),
                          models::make_transition(models::DenseTransition{}, width, kept, /*image=*/true)));
      width = kept;
    }
    blocks_.emplace_back();
    for (int64_t i = 0; i < layers; ++i, width += growth) {
      blocks_.back().push_back(
          register_module(concat("block_", block, "_", i),
                          std::make_shared<modules::ConvPreact>(width, kernels_px, channels, modules::Activation::relu,
                                                                modules::NormKind::batch, /*steps=*/1)));
    }
  }
  head_ = register_module("head", models::make_head(models::PoolLinearHead{}, shape, width));
}

torch::Tensor DenseNetImpl::added(const Layer& layer, const std::vector<torch::Tensor>& features) const {
  const auto run = [layer](const std::vector<torch::Tensor>& inputs) {
    return layer->forward(torch::cat(inputs, 1), 0);
  };
  return memory_efficient_ ? execution::recomputed(layer, run, features) : run(features);
}

torch::Tensor DenseNetImpl::forward(const torch::Tensor& images_BCHW) {
  std::vector<torch::Tensor> features = {stem_->forward(images_BCHW)};
  for (size_t block = 0; block < blocks_.size(); ++block) {
    if (block > 0) features = {transitions_[block - 1]->forward(torch::cat(features, 1))};
    for (const Layer& layer : blocks_[block]) features.push_back(added(layer, features));
  }
  return head_->forward(torch::cat(features, 1));
}

}  // namespace optdnn::baselines
