// How many pixels of an image's side the state has in every stage, and which images are too small for that.
//
//   stem conv                 floor((n + 2 floor(k/2) - k) / stride) + 1
//   stems of patches          n / patch_px
//   transitions pad, conv     ceil(n / 2)
//   transitions dense, norm_conv   floor(n / 2): nothing is left of one pixel
#pragma once

#include <string_view>

#include "optdnn/models/spec.h"

namespace optdnn::models {

// Returns the side in each of `stages` stages for images of `side_px`; 0 from where nothing is left.
std::vector<int64_t> sides_of_stages(const std::optional<StemSpec>& stem, const TransitionSpec& transition,
                                     size_t stages, int64_t side_px);

// Errors: ConfigError naming the stage, what halves there and the smallest size, if images of this shape are too small.
// Vectors are never too small.
void check_transition_sizes(const std::optional<StemSpec>& stem, const TransitionSpec& transition, size_t stages,
                            const NetworkShape& shape);
// Likewise for a baseline of one convolution, then blocks of images with `transition` between them.
void check_block_sizes(std::string_view model, const TransitionSpec& transition, size_t blocks,
                       const NetworkShape& shape);

}  // namespace optdnn::models
