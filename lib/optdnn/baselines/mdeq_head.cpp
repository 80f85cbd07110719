#include "optdnn/baselines/mdeq_head.h"

#include "optdnn/base/text.h"

namespace optdnn::baselines {

using torch::Tensor;

namespace {

constexpr int64_t kExpansion = 4;  // of a bottleneck block

torch::nn::BatchNorm2d plain_norm(int64_t channels) {
  return torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(channels).affine(false));
}

// With bias, batch norm and relu.
torch::nn::Sequential rectified(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride) {
  const auto options = torch::nn::Conv2dOptions(inputs, outputs, kernel_px).stride(stride).padding(kernel_px / 2);
  return torch::nn::Sequential(torch::nn::Conv2d(options), torch::nn::BatchNorm2d(outputs), torch::nn::ReLU());
}

}  // namespace

// 1x1, 3x3, 1x1 convolutions to four times `width`, beside a 1x1 convolution where the widths differ.
struct MdeqHead::Block : torch::nn::Module {
  Block(int64_t inputs, int64_t width)
      : conv1(register_module("conv1", modules::Convolution(inputs, width, 1))),
        conv2(register_module("conv2", modules::Convolution(width, width, 3))),
        conv3(register_module("conv3", modules::Convolution(width, kExpansion * width, 1))),
        norm1(register_module("norm1", plain_norm(width))),
        norm2(register_module("norm2", plain_norm(width))),
        norm3(register_module("norm3", plain_norm(kExpansion * width))) {
    if (inputs == kExpansion * width) return;
    shortcut = register_module("shortcut", modules::Convolution(inputs, kExpansion * width, 1));
    shortcut_norm = register_module("shortcut_norm", modules::Norm(modules::NormKind::batch, kExpansion * width));
  }
  Tensor forward(const Tensor& x) {
    const Tensor first = torch::relu(norm1->forward(conv1->forward(x)));
    const Tensor second = torch::relu(norm2->forward(conv2->forward(first)));
    return torch::relu(norm3->forward(conv3->forward(second)) +
                       (shortcut ? shortcut_norm->forward(shortcut->forward(x)) : x));
  }

  modules::Convolution conv1, conv2, conv3, shortcut{nullptr};
  torch::nn::BatchNorm2d norm1, norm2, norm3;
  modules::Norm shortcut_norm{nullptr};
};

MdeqHead::MdeqHead(const MdeqSpec& spec, int64_t outputs) {
  for (size_t i = 0; i < spec.width.size(); ++i) {
    blocks_.push_back(
        register_module(base::concat("block_", i), std::make_shared<Block>(spec.width[i], spec.head_width[i])));
    if (i == 0) continue;
    halve_.push_back(register_module(base::concat("halve_", i), rectified(kExpansion * spec.head_width[i - 1],
                                                                          kExpansion * spec.head_width[i], 3, 2)));
  }
  last_ = register_module("last", rectified(kExpansion * spec.head_width.back(), spec.features, 1, 1));
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
