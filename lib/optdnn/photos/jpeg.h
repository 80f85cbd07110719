// A JPEG, decoded where it is looked at, by libjpeg-turbo, with what Pillow makes of the odd ones: grey becomes RGB,
// CMYK and YCCK are taken as inverted, as Adobe's programs write them, whether or not their marker is there, EXIF turns
// nothing, bytes after the end do not matter, a file without its end is refused, and one whose middle is damaged is
// decoded as far as it goes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "optdnn/photos/pixels.h"

namespace optdnn::photos {

// More pixels than Pillow opens (it warns above half of them) are refused before memory is taken for them.
// Source: PIL.Image.MAX_IMAGE_PIXELS, 2^30 / 4 / 3, and DecompressionBombError above twice that.
constexpr int64_t kMaxImagePixels = 2 * 89'478'485;

class Jpeg {
 public:
  // Reads the header. Requires: the bytes outlive the reader. Errors: EnvironmentError naming `place`.
  Jpeg(std::string_view bytes, const std::string& place);
  ~Jpeg();

  int64_t width() const;
  int64_t height() const;

  // The pixels of a box, exactly those of the whole image; only the blocks around it are decoded. With `reduction` 2, 4
  // or 8 the box lies in an image of ceil(size / reduction), made from the lower frequencies alone.
  // Requires: the box lies inside; called once. Errors: EnvironmentError naming the place.
  Pixels read(const Rectangle& box, int reduction = 1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace optdnn::photos
