// The published ConvNeXts and ViTs as specs: gradient_descent, or any rule, over their modules.
#pragma once

#include <numeric>

#include "models/rules.h"
#include "optdnn/models/network.h"

namespace optdnn::tests {

inline models::OptNetSpec convnext_spec(std::vector<int64_t> depth, std::vector<int64_t> width) {
  models::OptNetSpec spec;
  spec.modules = {modules::ConvNextSpec{}};
  spec.depth = std::move(depth);
  spec.width = std::move(width);
  spec.stem = models::PatchifyStem{};
  spec.transition = models::NormConvTransition{};
  spec.head = models::PoolNormLinearHead{};
  return spec;
}

inline models::OptNetSpec isotropic_spec(int64_t depth, int64_t width, double layer_scale) {
  models::OptNetSpec spec = convnext_spec({depth}, {width});
  std::get<modules::ConvNextSpec>(spec.modules.front()).layer_scale = layer_scale;
  spec.stem = models::PatchifyStem{16, false};
  return spec;
}

inline models::OptNetSpec vit_spec(int64_t depth, int64_t width, int64_t heads, int64_t patch_px = 16) {
  models::OptNetSpec spec;
  modules::TransformerSpec transformer;
  transformer.heads = heads;
  spec.modules = {transformer};
  spec.depth = {depth};
  spec.width = {width};
  spec.stem = models::ClassTokenStem{patch_px};
  spec.head = models::ClassTokenHead{};
  return spec;
}

}  // namespace optdnn::tests
