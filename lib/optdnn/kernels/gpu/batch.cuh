// A batch out of a set of images: gathered, shifted, mirrored, normalised, with its boxes blank and its labels. A thread
// makes one pixel.
#pragma once

#include "optdnn/kernels/gpu/batch.h"

namespace optdnn::kernels::gpu {

DEVICE bool is_in(const BatchSample::Box& box, int y, int x) {
  return y >= box.top && y < box.bottom && x >= box.left && x < box.right;
}

// Into 0 ... size-1, mirrored at the first and the last pixel.
DEVICE int mirrored_into(int from, int size) {
  const int low = from < 0 ? -from : from, back = low >= size ? 2 * (size - 1) - low : low;
  return back < 0 ? 0 : back;
}

KERNEL assemble_batch(const BatchOfImages a) {
  begin_kernel();
  const int pixels = a.height * a.width;
  const long long all = static_cast<long long>(a.count) * pixels;
  const long long step = static_cast<long long>(blocks()) * threads();
  for (long long i = static_cast<long long>(block()) * threads() + thread(); i < all; i += step) {
    const int of = static_cast<int>(i / pixels), pixel = static_cast<int>(i % pixels);
    const int y = pixel / a.width, x = pixel % a.width;
    const BatchSample s = a.samples[of];
    if (pixel == 0) a.targets[of] = a.labels[s.sample];
    int from_y = y + s.shift_y, from_x = (s.flip ? a.width - 1 - x : x) + s.shift_x;
    if (a.fill == kReflect) {
      from_y = mirrored_into(from_y, a.height);
      from_x = mirrored_into(from_x, a.width);
    }
    const bool inside = from_y >= 0 && from_y < a.height && from_x >= 0 && from_x < a.width;
    const bool blank = (!inside && a.fill == kMean) || is_in(s.cut, y, x) || is_in(s.erased, y, x);
    const long long image = static_cast<long long>(s.sample) * a.channels;
    for (int c = 0; c < a.channels; ++c) {
      const float byte = inside ? static_cast<float>(a.images[(image + c) * pixels + from_y * a.width + from_x]) : 0.0f;
      a.inputs[i * a.channels + c] = blank ? 0.0f : (byte - a.black[c]) * a.scale[c];
    }
  }
}

}  // namespace optdnn::kernels::gpu
