#include "optdnn/baselines/resnet.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/baselines/kept_states.h"
#include "optdnn/models/ends.h"

namespace optdnn::baselines {

const base::NameTable<Shortcut>& enum_names(Shortcut) {
  static const base::NameTable<Shortcut> table("shortcuts", {
                                                                {"a", "subsampling and zero channels", Shortcut::a},
                                                                {"b", "a strided 1x1 convolution", Shortcut::b},
                                                            });
  return table;
}

const base::NameTable<BlockOrder>& enum_names(BlockOrder) {
  static const base::NameTable<BlockOrder> table("orders",
                                                 {
                                                     {"post", "convolution, norm, activation", BlockOrder::post},
                                                     {"pre", "norm, activation, convolution", BlockOrder::pre},
                                                 });
  return table;
}

using modules::Convolution;
using modules::Norm;
using modules::NormKind;

namespace {

constexpr auto kRelu = modules::Activation::relu;

template <class Spec>
void check_layers(const Spec& spec, int64_t ends, std::string_view examples, const NetworkShape& shape) {
  require_images(Spec::kName, shape);
  if ((spec.layers - ends) % 6 != 0) {
    throw base::ConfigError(
        base::concat("model '", Spec::kName, "' wants 6n+", ends, " layers, received ", spec.layers),
        std::string(examples));
  }
}

}  // namespace

void ResNetSpec::check(const NetworkShape& shape) const { check_layers(*this, 2, "20, 32, 44, 56, 110", shape); }
void WrnSpec::check(const NetworkShape& shape) const { check_layers(*this, 4, "16, 22, 28, 40", shape); }

ResidualLayout residual_layout(const ResNetSpec& spec, const NetworkShape& shape) {
  spec.check(shape);
  return {(spec.layers - 2) / 6, spec.width, spec.width, spec.shortcut, spec.order, 0.0};
}

ResidualLayout residual_layout(const WrnSpec& spec, const NetworkShape& shape) {
  spec.check(shape);
  return {(spec.layers - 4) / 6, 16, 16 * spec.widening, Shortcut::b, BlockOrder::pre, spec.dropout};
}

struct ResNetImpl::Block : torch::nn::Module {
  Block(const ResidualLayout& layout, int64_t inputs, int64_t width, int64_t step_px)
      : pre(layout.order == BlockOrder::pre),
        dropout(layout.dropout),
        outputs(width),
        stride(step_px),
        conv1(register_module("conv1", Convolution(inputs, width, 3, step_px))),
        conv2(register_module("conv2", Convolution(width, width, 3))),
        norm1(register_module("norm1", Norm(NormKind::batch, pre ? inputs : width))),
        norm2(register_module("norm2", Norm(NormKind::batch, width))) {
    if (inputs == width || layout.shortcut == Shortcut::a) return;
    projection = register_module("projection", Convolution(inputs, width, 1, step_px));
    if (!pre) projection_norm = register_module("projection_norm", Norm(NormKind::batch, width));
  }

  torch::Tensor shortcut(const torch::Tensor& x, const torch::Tensor& activated) {
    if (projection) {
      const torch::Tensor y = projection->forward(pre ? activated : x);
      return pre ? y : projection_norm->forward(y);
    }
    return x.size(1) == outputs ? x : models::subsample_and_pad(x, outputs, stride);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    if (pre) {
      modules::NormedRelu activated = norm1->to_make(x, kRelu);
      if (projection) activated = activated.made();  // it is read twice
      modules::NormedRelu hidden = norm2->to_make_after(conv1, activated, kRelu);
      if (dropout > 0) hidden = torch::dropout(hidden.made(), dropout, is_training());
      return shortcut(x, activated.x()) + conv2->forward(hidden);
    }
    const modules::NormedRelu hidden = norm1->to_make_after(conv1, x, kRelu);
    return torch::relu(shortcut(x, x) + norm2->forward(conv2->forward(hidden)));
  }

  bool pre;
  double dropout;
  int64_t outputs, stride;
  Convolution conv1, conv2;
  Norm norm1, norm2;
  Convolution projection{nullptr};
  Norm projection_norm{nullptr};
};

namespace {

Count count_layout(const ResidualLayout& layout, const NetworkShape& shape) {
  const bool pre = layout.order == BlockOrder::pre;
  modules::Extent at{shape.input[1], shape.input[2]};
  const auto normed = [&](int64_t channels) { return modules::count_norm(NormKind::batch, channels, at.positions()); };
  Count count = modules::count_convolution(shape.input[0], layout.stem, 3, at);
  if (!pre) count += normed(layout.stem);
  int64_t width = layout.stem;
  for (int64_t stage = 0; stage < 3; ++stage) {
    for (int64_t i = 0; i < layout.blocks; ++i) {
      const int64_t outputs = layout.width << stage, stride = stage > 0 && i == 0 ? 2 : 1;
      if (pre) count += normed(width);
      at = modules::convolved(at, 3, stride);
      count += modules::count_convolution(width, outputs, 3, at) + normed(outputs) +
               modules::count_convolution(outputs, outputs, 3, at);
      if (!pre) count += normed(outputs);
      if (width != outputs && layout.shortcut == Shortcut::b) {
        count += modules::ending(modules::count_convolution(width, outputs, 1, at));
        if (!pre) count += normed(outputs);
      }
      width = outputs;
    }
  }
  if (pre) count += normed(width);
  return count + modules::count_affine(width, shape.outputs);
}

}  // namespace

Count ResNetSpec::count(const NetworkShape& shape) const { return count_layout(residual_layout(*this, shape), shape); }

models::Network ResNetSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(ResNet(residual_layout(*this, shape), shape)), nullptr};
}

Count WrnSpec::count(const NetworkShape& shape) const { return count_layout(residual_layout(*this, shape), shape); }

models::Network WrnSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(ResNet(residual_layout(*this, shape), shape)), nullptr};
}

ResNetImpl::ResNetImpl(const ResidualLayout& layout, const NetworkShape& shape)
    : stem_(register_module("stem", Convolution(shape.input.front(), layout.stem, 3))) {
  const bool pre = layout.order == BlockOrder::pre;
  if (!pre) stem_norm_ = register_module("stem_norm", Norm(NormKind::batch, layout.stem));
  int64_t width = layout.stem;
  for (int64_t stage = 0; stage < 3; ++stage) {
    for (int64_t i = 0; i < layout.blocks; ++i) {
      const int64_t outputs = layout.width << stage;
      const int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      blocks_.push_back(register_module(base::concat("block_", stage, "_", i),
                                        std::make_shared<Block>(layout, width, outputs, stride)));
      width = outputs;
    }
  }
  if (pre) last_norm_ = register_module("last_norm", Norm(NormKind::batch, width));
  head_ = register_module("head", modules::Affine(width, shape.outputs));
}

torch::Tensor ResNetImpl::forward(const torch::Tensor& images_BCHW) {
  torch::Tensor x = stem_->forward(images_BCHW);
  if (stem_norm_) x = stem_norm_->activated(x, kRelu);
  keep_state(0, x);
  const size_t blocks = blocks_.size() / 3;  // of a stage
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->forward(x);
    keep_state(i / blocks, x);
  }
  if (last_norm_) x = last_norm_->activated(x, kRelu);
  return head_->forward(x.mean({2, 3}));
}

}  // namespace optdnn::baselines
