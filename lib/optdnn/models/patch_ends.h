// Stems, transition and heads of ConvNeXt and ViT.
//   patchify          [LN] Conv_p/p                          B x 3 x H x W -> B x width x H/p x W/p
//   class_token       [class; Conv_p/p patches] + positions  B x 3 x H x W -> B x (1 + HW/p^2) x width
//   norm_conv         Conv_2/2 LN
//   pool_norm_linear  W LN mean over pixels
//   class_token       W (LN of token 0)
#pragma once

#include "optdnn/algorithms/rule.h"
#include "optdnn/models/ends.h"

namespace optdnn::models {

// Errors of both: ConfigError if patches do not divide the image, or the input is no image.
std::shared_ptr<End> make_patch_stem(const PatchifyStem& spec, const NetworkShape& shape, int64_t width);
std::shared_ptr<End> make_patch_stem(const ClassTokenStem& spec, const NetworkShape& shape, int64_t width);

std::shared_ptr<End> make_norm_conv(int64_t width_before, int64_t width_after);

std::shared_ptr<End> make_patch_head(const PoolNormLinearHead& spec, const NetworkShape& shape, int64_t width);
std::shared_ptr<End> make_patch_head(const ClassTokenHead& spec, const NetworkShape& shape, int64_t width);

// Tokens want a stem that makes them, modules and a head that take them, an explicit rule and one stage. Errors:
// ConfigError.
void check_tokens(const algorithms::Rule& rule, const std::optional<StemSpec>& stem,
                  const std::vector<modules::ModuleSpec>& modules, size_t stages, const std::optional<HeadSpec>& head);

}  // namespace optdnn::models
