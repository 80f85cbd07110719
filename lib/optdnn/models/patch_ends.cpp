#include "optdnn/models/patch_ends.h"

#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/modules/vision_layers.h"

namespace optdnn::models {

using base::concat;
using base::ConfigError;
using modules::BiasedConvolution;
using modules::LastNorm, modules::NormReader;
using modules::Projection;

namespace {

class Patchify : public End {
 public:
  Patchify(const PatchifyStem& spec, int64_t inputs, int64_t width)
      : conv_(register_module("conv",
                              BiasedConvolution(inputs, width, modules::Window{spec.patch_px, spec.patch_px, 0}))) {
    if (spec.norm) norm_ = register_module("norm", LastNorm(width));
  }
  torch::Tensor forward(const torch::Tensor& images_BCHW) override {
    const torch::Tensor patches = conv_->forward(images_BCHW);
    return norm_ ? norm_->over_channels(patches, NormReader::state) : patches;
  }

 private:
  BiasedConvolution conv_;
  LastNorm norm_{nullptr};
};

class PatchTokens : public End {
 public:
  PatchTokens(int64_t patch_px, int64_t inputs, int64_t patches, int64_t width)
      : conv_(register_module("conv", BiasedConvolution(inputs, width, modules::Window{patch_px, patch_px, 0}))),
        class_token_11D_(register_parameter("cls_token", modules::truncated_normal({1, 1, width}))),
        positions_1ND_(register_parameter("pos_embed", modules::truncated_normal({1, 1 + patches, width}))) {
    // As timm's and DeiT's ViT, where linear maps alone are truncated normal: torch's default of a convolution.
    const double bound = 1.0 / std::sqrt(static_cast<double>(inputs * patch_px * patch_px));
    torch::NoGradGuard no_grad;
    conv_->weight.uniform_(-bound, bound);
    conv_->bias.uniform_(-bound, bound);
  }
  torch::Tensor forward(const torch::Tensor& images_BCHW) override {
    const torch::Tensor patches_BND = conv_->forward(images_BCHW).flatten(2).transpose(1, 2);
    return torch::cat({class_token_11D_.expand({patches_BND.size(0), -1, -1}), patches_BND}, 1) + positions_1ND_;
  }

 private:
  BiasedConvolution conv_;
  torch::Tensor class_token_11D_, positions_1ND_;
};

class NormConv : public End {
 public:
  NormConv(int64_t before, int64_t after)
      : norm_(register_module("norm", LastNorm(before))),
        conv_(register_module("conv", BiasedConvolution(before, after, modules::Window{2, 2, 0}))) {}
  torch::Tensor forward(const torch::Tensor& x_BCHW) override {
    return conv_->forward(norm_->over_channels(x_BCHW, NormReader::product));
  }

 private:
  LastNorm norm_;
  BiasedConvolution conv_;
};

// Both heads: one vector per sample, normalised, mapped.
class NormLinear : public End {
 public:
  NormLinear(int64_t width, int64_t outputs, bool tokens)
      : tokens_(tokens),
        norm_(register_module("norm", LastNorm(width))),
        linear_(register_module("linear", Projection(width, outputs))) {}
  torch::Tensor forward(const torch::Tensor& x) override {
    return linear_->forward(norm_->forward(tokens_ ? x.select(1, 0) : x.mean({2, 3}), NormReader::product));
  }

 private:
  bool tokens_;
  LastNorm norm_;
  Projection linear_;
};

void require_patches(std::string_view stem, int64_t patch_px, const NetworkShape& shape) {
  if (!shape.is_image()) throw ConfigError(concat("stem '", stem, "' does not fit: the data set's inputs are vectors"));
  if (shape.input[1] % patch_px == 0 && shape.input[2] % patch_px == 0) return;
  throw ConfigError(concat("stem '", stem, "': patches of ", patch_px, " pixels do not divide images of ",
                           shape.input[1], " x ", shape.input[2]));
}

}  // namespace

std::shared_ptr<End> make_patch_stem(const PatchifyStem& spec, const NetworkShape& shape, int64_t width) {
  require_patches(spec.kName, spec.patch_px, shape);
  return std::make_shared<Patchify>(spec, shape.input[0], width);
}

std::shared_ptr<End> make_patch_stem(const ClassTokenStem& spec, const NetworkShape& shape, int64_t width) {
  require_patches(spec.kName, spec.patch_px, shape);
  const int64_t patches = shape.input[1] / spec.patch_px * (shape.input[2] / spec.patch_px);
  return std::make_shared<PatchTokens>(spec.patch_px, shape.input[0], patches, width);
}

std::shared_ptr<End> make_norm_conv(int64_t width_before, int64_t width_after) {
  return std::make_shared<NormConv>(width_before, width_after);
}

std::shared_ptr<End> make_patch_head(const PoolNormLinearHead&, const NetworkShape& shape, int64_t width) {
  return std::make_shared<NormLinear>(width, shape.outputs, /*tokens=*/false);
}

std::shared_ptr<End> make_patch_head(const ClassTokenHead&, const NetworkShape& shape, int64_t width) {
  return std::make_shared<NormLinear>(width, shape.outputs, /*tokens=*/true);
}

void check_tokens(const algorithms::Rule& rule, const std::optional<StemSpec>& stem,
                  const std::vector<modules::ModuleSpec>& modules, size_t stages, const std::optional<HeadSpec>& head) {
  const bool made = stem && std::holds_alternative<ClassTokenStem>(*stem);
  const bool read = head && std::holds_alternative<ClassTokenHead>(*head);
  if (made != read) {
    throw ConfigError(
        concat(made ? "stem" : "head", " 'class_token' wants the ", made ? "head" : "stem", " of that name beside it"),
        "stem: {name: class_token}, head: {name: class_token}");
  }
  if (!made) return;
  if (stages > 1) throw ConfigError(concat("stem 'class_token' wants one stage, received ", stages));
  if (!rule.is_explicit()) {
    throw ConfigError(concat("stem 'class_token' wants an explicit rule, and '", rule.name(), "' solves for unknowns"),
                      "optdnn list algorithms says which rules are explicit");
  }
  for (const modules::ModuleSpec& module : modules) {
    if (modules::module_traits(module).on_tokens) continue;
    throw ConfigError(concat("module '", modules::module_name(module), "' does not work on tokens"),
                      "module: {name: transformer}");
  }
}

}  // namespace optdnn::models
