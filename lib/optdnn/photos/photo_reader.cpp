#include "optdnn/photos/photo_reader.h"

#include <algorithm>
#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/file_kind.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/png.h"

namespace optdnn::photos {

PhotoReader::PhotoReader(std::string_view bytes, const std::string& place) {
  if (bytes.starts_with("\xff\xd8")) {
    jpeg_.emplace(bytes, place);
  } else if (is_png(bytes)) {
    png_ = decode_png(bytes, place);
  } else {
    const base::FileKind* kind = base::file_kind(bytes);
    if (!kind) throw base::EnvironmentError(base::concat(place, " is damaged: it is neither a JPEG nor a PNG"));
    throw base::EnvironmentError(base::concat(place, " is ", kind->name, ", neither a JPEG nor a PNG"),
                                 std::string(kind->cure));
  }
}

Pixels PhotoReader::whole() { return jpeg_ ? jpeg_->read({0, 0, jpeg_->width(), jpeg_->height()}) : std::move(png_); }

Pixels PhotoReader::read(const Rectangle& box, int64_t width, int64_t height, const Rectangle& window, bool scaled) {
  const auto real = [](int64_t value) { return static_cast<double>(value); };
  if (!jpeg_) {
    if (box.width < png_.width || box.height < png_.height) png_ = part(png_, box);  // first cut, then resized
    return resampled(png_, {0, 0, real(box.width), real(box.height)}, width, height, window);
  }
  int64_t reduction = 1;
  while (scaled && reduction < 8 && box.width >= 2 * reduction * width && box.height >= 2 * reduction * height) {
    reduction *= 2;
  }
  const auto up = [&](int64_t value) { return (value + reduction - 1) / reduction; };
  const Rectangle kept{box.x / reduction, box.y / reduction, up(box.x + box.width) - box.x / reduction,
                       up(box.y + box.height) - box.y / reduction};
  const auto within = [&](int64_t value, int64_t origin) { return real(value) / real(reduction) - real(origin); };
  const RealBox inner{within(box.x, kept.x), within(box.y, kept.y), within(box.x + box.width, kept.x),
                      within(box.y + box.height, kept.y)};
  return resampled(jpeg_->read(kept, static_cast<int>(reduction)), inner, width, height, window);
}

CenterCrop center_crop(int64_t width, int64_t height, int64_t resize_px, int64_t size_px) {
  CenterCrop crop;
  crop.width = width <= height ? resize_px : resize_px * width / height;
  crop.height = width <= height ? resize_px * height / width : resize_px;
  const auto start = [&](int64_t size) {
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(size - size_px) / 2.0));
  };
  crop.window = {start(crop.width), start(crop.height), size_px, size_px};
  return crop;
}

}  // namespace optdnn::photos
