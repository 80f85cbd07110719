#include "optdnn/baselines/densenet.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/baselines/kept_states.h"
#include "optdnn/execution/recompute.h"
#include "optdnn/models/compression.h"
#include "optdnn/models/image_sizes.h"

namespace optdnn::baselines {

using base::concat;

void DenseNetSpec::check(const NetworkShape& shape) const {
  require_images(kName, shape);
  const int64_t per_layer = bottleneck ? 6 : 3;
  if ((layers - 4) % per_layer != 0 || layers == 4) {
    throw base::ConfigError(concat("model 'densenet' wants ", per_layer, "n+4 layers",
                                   bottleneck ? " with bottlenecks" : "", ", received ", layers),
                            bottleneck ? "100, 190, 250" : "40, 52, 100");
  }
  models::check_block_sizes(kName, models::DenseTransition{}, 3, shape);
}

namespace {

// Paper: 16 channels, or twice the growth rate for DenseNet-BC.
int64_t stem_width(const DenseNetSpec& spec) { return spec.bottleneck ? 2 * spec.growth : 16; }

int64_t layers_per_block(const DenseNetSpec& spec) { return (spec.layers - 4) / (spec.bottleneck ? 6 : 3); }

std::vector<modules::ChainLayer> chain(const DenseNetSpec& spec) {
  if (spec.bottleneck) return {{1, 4 * spec.growth}, {3, spec.growth}};
  return {{3, spec.growth}};
}

}  // namespace

// A layer keeps the features side by side, and what it adds; or, memory-efficient, what it adds alone.
Count DenseNetSpec::count(const NetworkShape& shape) const {
  int64_t width = stem_width(*this);
  auto [count, at] = models::count_stem(models::ConvStem{}, shape, width);
  for (int block = 0; block < 3; ++block) {
    if (block > 0) {
      const int64_t kept = models::kept_channels(compression, width);
      const models::PartCount down = models::count_transition(models::DenseTransition{}, width, kept, at, true);
      count += down.count;
      at = down.at;
      width = kept;
    }
    for (int64_t i = 0; i < layers_per_block(*this); ++i, width += growth) {
      Count layer =
          modules::count_pre_activation(width, chain(*this), modules::Activation::relu, modules::NormKind::batch, at);
      layer.kept = memory_efficient ? 0 : layer.kept + width * at.positions();
      count += layer + Count{0, 0, growth * at.positions()};
    }
  }
  return count + models::count_head(models::PoolLinearHead{}, shape, width, at);
}

models::Network DenseNetSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(DenseNet(*this, shape)), nullptr};
}

DenseNetImpl::DenseNetImpl(const DenseNetSpec& spec, const NetworkShape& shape)
    : memory_efficient_(spec.memory_efficient) {
  spec.check(shape);
  int64_t width = stem_width(spec);
  stem_ = register_module("stem", models::make_stem(models::ConvStem{}, shape, width));
  for (int64_t block = 0; block < 3; ++block) {
    if (block > 0) {
      const int64_t kept = models::kept_channels(spec.compression, width);
      transitions_.push_back(
          register_module(concat("transition_", block),
                          models::make_transition(models::DenseTransition{}, width, kept, /*image=*/true)));
      width = kept;
    }
    blocks_.emplace_back();
    for (int64_t i = 0; i < layers_per_block(spec); ++i, width += spec.growth) {
      blocks_.back().push_back(
          register_module(concat("block_", block, "_", i),
                          std::make_shared<modules::PreActivation>(width, chain(spec), modules::Activation::relu,
                                                                   modules::NormKind::batch, /*uses=*/1)));
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
  torch::Tensor all = stem_->forward(images_BCHW);
  for (size_t block = 0; block < blocks_.size(); ++block) {
    std::vector<torch::Tensor> features = {block == 0 ? all : transitions_[block - 1]->forward(all)};
    for (const Layer& layer : blocks_[block]) features.push_back(added(layer, features));
    all = torch::cat(features, 1);
    keep_state(block, all);
  }
  return head_->forward(all);
}

}  // namespace optdnn::baselines
