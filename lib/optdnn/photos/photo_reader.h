// One image file, whatever is inside, from its bytes to normalised numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "optdnn/photos/jpeg.h"
#include "optdnn/photos/resample.h"

namespace optdnn::photos {

class PhotoReader {
 public:
  // Requires: the bytes outlive the reader. Errors: EnvironmentError naming `place` if it is neither JPEG nor PNG, or
  // damaged.
  PhotoReader(std::string_view bytes, const std::string& place);

  int64_t width() const { return jpeg_ ? jpeg_->width() : png_.width; }
  int64_t height() const { return jpeg_ ? jpeg_->height() : png_.height; }

  // The window of the image of `width` x `height` that the box becomes, cut out first, so that no pixel beside it
  // counts (as torchvision and timm crop, then resize). With `scaled`, a JPEG is decoded at the smallest of 1/8, 1/4,
  // 1/2 that leaves the box no smaller than that image. Called once. Errors: as the constructor.
  Pixels read(const Rectangle& box, int64_t width, int64_t height, const Rectangle& window, bool scaled);
  Pixels whole();

 private:
  std::optional<Jpeg> jpeg_;
  Pixels png_;
};

// What Pillow's and torchvision's Resize(resize_px), CenterCrop(size_px) make of an image of this size.
struct CenterCrop {
  int64_t width = 0, height = 0;  // of the whole image, resized
  Rectangle window;
};
CenterCrop center_crop(int64_t width, int64_t height, int64_t resize_px, int64_t size_px);

}  // namespace optdnn::photos
