#include "optdnn/baselines/mdeq_head.h"

#include "optdnn/base/text.h"

namespace optdnn::baselines {

using torch::Tensor;

namespace {

constexpr int64_t kExpansion = 4;  // of a bottleneck block

modules::Norm batch_norm(int64_t channels, bool affine) {
  return modules::Norm(modules::NormKind::batch, channels, /*steps=*/1, affine);
}

}  // namespace

// A convolution with bias, batch norm and relu.
struct MdeqHead::Rectified : torch::nn::Module {
  Rectified(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride)
      : conv(register_module(
            "conv", torch::nn::Conv2d(
                        torch::nn::Conv2dOptions(inputs, outputs, kernel_px).stride(stride).padding(kernel_px / 2)))),
        norm(register_module("norm", batch_norm(outputs, true))) {}
  Tensor forward(const Tensor& x) { return norm->activated(conv->forward(x), modules::Activation::relu); }

  torch::nn::Conv2d conv;
  modules::Norm norm;
};

// 1x1, 3x3, 1x1 convolutions to four times `width`, beside a 1x1 convolution where the widths differ.
struct MdeqHead::Block : torch::nn::Module {
  Block(int64_t inputs, int64_t width)
      : conv1(register_module("conv1", modules::Convolution(inputs, width, 1))),
        conv2(register_module("conv2", modules::Convolution(width, width, 3))),
        conv3(register_module("conv3", modules::Convolution(width, kExpansion * width, 1))),
        norm1(register_module("norm1", batch_norm(width, false))),
        norm2(register_module("norm2", batch_norm(width, false))),
        norm3(register_module("norm3", batch_norm(kExpansion * width, false))) {
    if (inputs == kExpansion * width) return;
    shortcut = register_module("shortcut", modules::Convolution(inputs, kExpansion * width, 1));
    shortcut_norm = register_module("shortcut_norm", batch_norm(kExpansion * width, true));
  }
  Tensor forward(const Tensor& x) {
    const Tensor first = norm1->activated(conv1->forward(x), modules::Activation::relu);
    const Tensor second = norm2->activated(conv2->forward(first), modules::Activation::relu);
    return torch::relu(norm3->forward(conv3->forward(second)) +
                       (shortcut ? shortcut_norm->forward(shortcut->forward(x)) : x));
  }

  modules::Convolution conv1, conv2, conv3, shortcut{nullptr};
  modules::Norm norm1, norm2, norm3, shortcut_norm{nullptr};
};

MdeqHead::MdeqHead(const MdeqSpec& spec, int64_t outputs) {
  for (size_t i = 0; i < spec.width.size(); ++i) {
    blocks_.push_back(
        register_module(base::concat("block_", i), std::make_shared<Block>(spec.width[i], spec.head_width[i])));
    if (i == 0) continue;
    halve_.push_back(register_module(
        base::concat("halve_", i),
        std::make_shared<Rectified>(kExpansion * spec.head_width[i - 1], kExpansion * spec.head_width[i], 3, 2)));
  }
  last_ =
      register_module("last", std::make_shared<Rectified>(kExpansion * spec.head_width.back(), spec.features, 1, 1));
  linear_ = register_module("linear", modules::Affine(spec.features, outputs));
}

Tensor MdeqHead::forward(const std::vector<Tensor>& states) {
  Tensor y = blocks_.front()->forward(states.front());
  for (size_t i = 1; i < states.size(); ++i) y = blocks_[i]->forward(states[i]) + halve_[i - 1]->forward(y);
  return linear_->forward(last_->forward(y).mean({2, 3}));
}

Count count_mdeq_head(const MdeqSpec& spec, const modules::Extent& finest, int64_t outputs) {
  using modules::count_convolution;
  Count count;
  const auto plain = [&](int64_t channels, const modules::Extent& at) { count.kept += channels * at.positions(); };
  const auto normed = [&](int64_t channels, const modules::Extent& at) {
    count += modules::count_norm(modules::NormKind::batch, channels, at.positions());
  };
  modules::Extent at = finest;
  for (size_t i = 0; i < spec.width.size(); ++i) {
    const int64_t inputs = spec.width[i], width = spec.head_width[i], widened = kExpansion * width;
    if (i > 0) {
      at = modules::convolved(at, 3, 2);
      count += count_convolution(kExpansion * spec.head_width[i - 1], widened, 3, at, /*with_bias=*/true);
      normed(widened, at);
    }
    count += count_convolution(inputs, width, 1, at) + count_convolution(width, width, 3, at) +
             count_convolution(width, widened, 1, at);
    plain(2 * width + widened, at);
    if (inputs == widened) continue;
    count += count_convolution(inputs, widened, 1, at);
    normed(widened, at);
  }
  count += count_convolution(kExpansion * spec.head_width.back(), spec.features, 1, at, /*with_bias=*/true);
  normed(spec.features, at);
  return count + modules::count_affine(spec.features, outputs);
}

}  // namespace optdnn::baselines
