// What stands around the stages of ConvNeXt and ViT, as the YAML names it. The state of ViT is tokens: stem and head
// `class_token` go together.
#pragma once

#include "optdnn/config/fields.h"

namespace optdnn::models {

enum class StateAcross { restart, carry };

struct PatchifyStem {
  static constexpr std::string_view kName = "patchify";
  static constexpr std::string_view kHelp =
      "one convolution of patches that do not overlap, then layer norm, for images";
  int64_t patch_px = 4;
  bool norm = true;
  template <class Fields>
  void fields(Fields& f) {
    f("patch_px", patch_px, config::between(1, 256), "side of a patch; it divides the image");
    f("norm", norm, "layer norm after the convolution; isotropic ConvNeXt has none");
  }
};

struct ClassTokenStem {
  static constexpr std::string_view kName = "class_token";
  static constexpr std::string_view kHelp =
      "patches as tokens behind a class token, with learnt positions, for images; the module is then transformer";
  int64_t patch_px = 16;
  template <class Fields>
  void fields(Fields& f) {
    f("patch_px", patch_px, config::between(1, 256), "side of a patch; it divides the image");
  }
};

// No linear map, so no state can be carried through it.
struct NormConvTransition {
  static constexpr std::string_view kName = "norm_conv";
  static constexpr std::string_view kHelp = "layer norm, one 2x2 convolution of stride 2; the rule begins anew";
  static constexpr StateAcross state = StateAcross::restart;
  template <class Fields>
  void fields(Fields&) {}
};

struct PoolNormLinearHead {
  static constexpr std::string_view kName = "pool_norm_linear";
  static constexpr std::string_view kHelp = "global average pool, layer norm, linear, for images";
  template <class Fields>
  void fields(Fields&) {}
};

struct ClassTokenHead {
  static constexpr std::string_view kName = "class_token";
  static constexpr std::string_view kHelp = "layer norm and linear of the class token";
  template <class Fields>
  void fields(Fields&) {}
};

}  // namespace optdnn::models
