// A decoded image: height x width pixels of four bytes, red, green, blue and one that means nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace optdnn::photos {

struct Pixels {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> bytes;

  Pixels() = default;
  Pixels(int64_t w, int64_t h) : width(w), height(h), bytes(4 * w * h) {}
  uint8_t* row(int64_t y) { return bytes.data() + 4 * width * y; }
  const uint8_t* row(int64_t y) const { return bytes.data() + 4 * width * y; }
};

// Columns x ... x+width-1 and rows y ... y+height-1.
struct Rectangle {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

// Requires: the box lies in the image.
inline Pixels part(const Pixels& whole, const Rectangle& box) {
  Pixels cut(box.width, box.height);
  for (int64_t y = 0; y < box.height; ++y) std::copy_n(whole.row(box.y + y) + 4 * box.x, 4 * box.width, cut.row(y));
  return cut;
}

}  // namespace optdnn::photos
