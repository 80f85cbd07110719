#include "optdnn/photos/png.h"

#include <spng.h>

#include <memory>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/jpeg.h"
#include "optdnn/photos/png_chunks.h"

namespace optdnn::photos {

bool is_png(std::string_view bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

Pixels decode_png(std::string_view bytes, const std::string& place) {
  const std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)> decoder(spng_ctx_new(0), spng_ctx_free);
  if (!decoder) throw std::bad_alloc();
  const auto check = [&](int status) {
    if (status != 0) throw base::EnvironmentError(base::concat(place, " is damaged: ", spng_strerror(status)));
  };
  PngPixelChunks chunks(bytes);
  const auto read = [](spng_ctx*, void* from, void* to, size_t count) -> int {
    return static_cast<PngPixelChunks*>(from)->read(to, count) ? SPNG_OK : SPNG_IO_EOF;
  };
  check(spng_set_png_stream(decoder.get(), read, &chunks));
  spng_ihdr header{};
  check(spng_get_ihdr(decoder.get(), &header));
  const int64_t pixels_declared = int64_t{header.width} * header.height;
  // Deflate packs a byte into no less than 1/1032, and a pixel has a bit at least.
  if (pixels_declared > kMaxImagePixels || pixels_declared / 8 / 1032 > std::ssize(bytes)) {
    throw base::EnvironmentError(base::concat(place, " is too large: ", header.width, " x ", header.height,
                                              " pixels in ", bytes.size(), " bytes"));
  }
  Pixels pixels(header.width, header.height);
  check(spng_decode_image(decoder.get(), pixels.bytes.data(), pixels.bytes.size(), SPNG_FMT_RGBA8, 0));
  return pixels;
}

}  // namespace optdnn::photos
