// Bicubic interpolation with antialiasing, equal to Pillow's Image.resize(size, BICUBIC, box) on bytes: separable, a
// cubic of parameter -1/2 stretched by the scale where the image shrinks, weights in fixed point, rounded after each of
// the two passes.
#pragma once

#include "optdnn/photos/pixels.h"

namespace optdnn::photos {

struct RealBox {
  double left = 0, top = 0, right = 0, bottom = 0;
};

// Pixels `window` of the image of `width` x `height` that `box` of `from` becomes.
// Requires: the box lies in `from` and is not empty; the window lies in 0 ... width, 0 ... height.
Pixels resampled(const Pixels& from, const RealBox& box, int64_t width, int64_t height, const Rectangle& window);

}  // namespace optdnn::photos
