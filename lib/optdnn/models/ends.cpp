#include "optdnn/models/ends.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/models/patch_ends.h"
#include "optdnn/modules/layers.h"

namespace optdnn::models {

using base::concat;
using base::ConfigError;

torch::Tensor subsample_and_pad(const torch::Tensor& x, int64_t width, int64_t stride) {
  namespace F = torch::nn::functional;
  if (x.dim() != 4) return F::pad(x, F::PadFuncOptions({0, width - x.size(-1)}));
  const torch::Tensor kept = stride == 1 ? x : x.slice(2, 0, {}, stride).slice(3, 0, {}, stride);
  return F::pad(kept, F::PadFuncOptions({0, 0, 0, 0, 0, width - x.size(1)}));
}

namespace {

class Identity : public End {
 public:
  torch::Tensor forward(const torch::Tensor& x) override { return x; }
};

class Pad : public End {
 public:
  Pad(int64_t width, int64_t stride) : width_(width), stride_(stride) {}
  torch::Tensor forward(const torch::Tensor& x) override { return subsample_and_pad(x, width_, stride_); }

 private:
  int64_t width_, stride_;
};

class OneConvolution : public End {
 public:
  OneConvolution(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride)
      : conv_(register_module("conv", modules::Convolution(inputs, outputs, kernel_px, stride))) {}
  torch::Tensor forward(const torch::Tensor& x) override { return conv_->forward(x); }

 private:
  modules::Convolution conv_;
};

class OneAffine : public End {
 public:
  OneAffine(int64_t inputs, int64_t outputs, bool with_bias)
      : linear_(register_module("linear", modules::Affine(inputs, outputs, with_bias))) {}
  torch::Tensor forward(const torch::Tensor& x) override { return linear_->forward(x); }

 private:
  modules::Affine linear_;
};

class DenseDown : public End {
 public:
  DenseDown(int64_t inputs, int64_t outputs, int64_t parts)
      : norm_(register_module("norm", modules::Norm(modules::NormKind::batch, inputs))),
        conv_(register_module("conv", modules::Convolution(inputs, outputs, 1))) {
    norm_->parts = conv_->input_parts = parts;
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    return torch::avg_pool2d(conv_->forward(norm_->activated(x, modules::Activation::relu)), 2);
  }

 private:
  modules::Norm norm_;
  modules::Convolution conv_;
};

class ReadState : public End {
 public:
  explicit ReadState(int64_t outputs) : outputs_(outputs) {}
  torch::Tensor forward(const torch::Tensor& x) override { return x.narrow(-1, 0, outputs_); }

 private:
  int64_t outputs_;
};

class PoolLinear : public End {
 public:
  PoolLinear(const PoolLinearHead& spec, int64_t width, int64_t outputs, int64_t parts)
      : spec_(spec),
        norm_(register_module("norm", modules::Norm(spec.norm, width))),
        linear_(register_module("linear", modules::Affine(width, outputs))) {
    norm_->parts = parts;
  }
  torch::Tensor forward(const torch::Tensor& x) override {
    torch::Tensor y = x;
    if (spec_.norm != modules::NormKind::none) y = norm_->activated(y, spec_.activation);
    const torch::Tensor pooled = y.mean({2, 3});
    const int64_t channels = linear_->weight.size(1), parts = norm_->parts;
    if (pooled.size(1) == channels) return linear_->forward(pooled);
    return linear_->forward(pooled.unflatten(1, {parts, -1}).narrow(2, 0, channels / parts).flatten(1));  // padded
  }

 private:
  PoolLinearHead spec_;
  modules::Norm norm_;
  modules::Affine linear_;
};

void require_kind(bool fits, std::string_view part, std::string_view name, const NetworkShape& shape) {
  if (!fits) {
    throw ConfigError(concat(part, " '", name, "' does not fit: the data set's inputs are ",
                             shape.is_image() ? "images" : "vectors"));
  }
}

}  // namespace

StemSpec default_stem(const NetworkShape& shape, int64_t width) {
  if (shape.is_image()) return ConvStem{};
  if (shape.input[0] == width) return IdentityStem{};
  return LinearStem{};
}

HeadSpec default_head(const NetworkShape& shape) {
  if (shape.is_image()) return PoolLinearHead{};
  return LinearHead{};
}

std::shared_ptr<End> make_stem(const std::optional<StemSpec>& spec, const NetworkShape& shape, int64_t width) {
  const int64_t inputs = shape.input[0];
  if (!spec) return make_stem(default_stem(shape, width), shape, width);
  if (const auto* conv = std::get_if<ConvStem>(&*spec)) {
    require_kind(shape.is_image(), "stem", "conv", shape);
    return std::make_shared<OneConvolution>(inputs, width, conv->kernel_px, conv->stride);
  }
  if (const auto* patchify = std::get_if<PatchifyStem>(&*spec)) return make_patch_stem(*patchify, shape, width);
  if (const auto* tokens = std::get_if<ClassTokenStem>(&*spec)) return make_patch_stem(*tokens, shape, width);
  if (std::holds_alternative<IdentityStem>(*spec)) {
    if (inputs != width) {
      throw ConfigError(concat("stem 'identity' wants width ", inputs, ", the size of the input, received ", width));
    }
    return std::make_shared<Identity>();
  }
  if (std::holds_alternative<LinearStem>(*spec)) {
    require_kind(!shape.is_image(), "stem", "linear", shape);
    return std::make_shared<OneAffine>(inputs, width, true);
  }
  require_kind(!shape.is_image(), "stem", "zero_pad", shape);
  if (width < inputs)
    throw ConfigError(concat("stem 'zero_pad' wants a width of at least ", inputs, ", received ", width));
  return std::make_shared<Pad>(width, 1);
}

StateAcross state_across(const TransitionSpec& spec) {
  return std::visit([](const auto& transition) { return transition.state; }, spec);
}

bool hands_on_iterates(const TransitionSpec& spec) { return std::holds_alternative<DenseTransition>(spec); }

void check_transition(const TransitionSpec& spec, int64_t before, int64_t after, bool image) {
  if (std::holds_alternative<NormConvTransition>(spec) && !image) {
    throw ConfigError("transition 'norm_conv' is for images, the state is a vector", "use transition: conv");
  }
  if (!std::holds_alternative<PadTransition>(spec) || after >= before) return;
  throw ConfigError(concat("transition 'pad' cannot narrow the state from ", before, " to ", after),
                    "use transition: conv");
}

std::shared_ptr<End> make_transition(const TransitionSpec& spec, int64_t before, int64_t after, bool image,
                                     int64_t parts) {
  check_transition(spec, before, after, image);
  if (std::holds_alternative<PadTransition>(spec)) return std::make_shared<Pad>(after, 2);
  if (image && hands_on_iterates(spec)) return std::make_shared<DenseDown>(before, after, parts);
  if (std::holds_alternative<NormConvTransition>(spec)) return make_norm_conv(before, after);
  if (image) return std::make_shared<OneConvolution>(before, after, 1, 2);
  return std::make_shared<OneAffine>(before, after, false);
}

std::shared_ptr<End> make_head(const std::optional<HeadSpec>& spec, const NetworkShape& shape, int64_t width,
                               int64_t parts) {
  if (!spec) return make_head(default_head(shape), shape, width, parts);
  if (const auto* pool = std::get_if<PoolLinearHead>(&*spec)) {
    require_kind(shape.is_image(), "head", "pool_linear", shape);
    return std::make_shared<PoolLinear>(*pool, width, shape.outputs, parts);
  }
  if (const auto* pool = std::get_if<PoolNormLinearHead>(&*spec)) {
    require_kind(shape.is_image(), "head", pool->kName, shape);
    return make_patch_head(*pool, shape, width);
  }
  if (const auto* token = std::get_if<ClassTokenHead>(&*spec)) return make_patch_head(*token, shape, width);
  const bool linear = std::holds_alternative<LinearHead>(*spec);
  require_kind(!shape.is_image(), "head", linear ? "linear" : "read_state", shape);
  if (linear) return std::make_shared<OneAffine>(width, shape.outputs, true);
  if (width < shape.outputs) {
    throw ConfigError(
        concat("head 'read_state' wants a width of at least ", shape.outputs, ", the outputs, received ", width));
  }
  return std::make_shared<ReadState>(shape.outputs);
}

}  // namespace optdnn::models
