// A PNG without all that stands beside its pixels, read front to back; no memory is taken.
//   signature, then chunks: length[4] type[4] data[length] checksum[4], numbers big-endian
// Kept are IHDR, PLTE, IDAT and IEND. Source: W3C, Portable Network Graphics (Third Edition), 5.
#pragma once

#include <cstddef>
#include <string_view>

namespace optdnn::photos {

class PngPixelChunks {
 public:
  // Requires: the bytes outlive this.
  explicit PngPixelChunks(std::string_view bytes);

  // Copies the next `count` bytes. Returns whether there were as many.
  bool read(void* to, size_t count);

 private:
  // Goes on to the next chunk that is kept. Returns whether there is one.
  bool next_chunk();

  std::string_view rest_;   // from the end of the piece on
  std::string_view piece_;  // the signature or a chunk, its length and checksum with it
};

}  // namespace optdnn::photos
