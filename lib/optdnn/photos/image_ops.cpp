#include "optdnn/photos/image_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>

namespace optdnn::photos {

namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

template <class Entry>
Table make_table(Entry entry) {
  Table table;
  for (int value = 0; value < 256; ++value) table[value] = static_cast<uint8_t>(std::clamp<int>(entry(value), 0, 255));
  return table;
}

void map_channel(Pixels& image, int channel, const Table& table) {
  for (size_t i = channel; i < image.bytes.size(); i += 4) image.bytes[i] = table[image.bytes[i]];
}

void map_bytes(Pixels& image, const Table& table) {
  for (uint8_t& byte : image.bytes) byte = table[byte];
}

Histogram histogram(const Pixels& image, int channel) {
  Histogram counts{};
  for (size_t i = channel; i < image.bytes.size(); i += 4) ++counts[image.bytes[i]];
  return counts;
}

uint8_t luma(const uint8_t* pixel) {
  return static_cast<uint8_t>((pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16);
}

// from + factor (to - from), as Image.blend computes it: cut off, not rounded.
uint8_t blended(int from, int to, float factor) {
  const float value = static_cast<float>(from) + factor * static_cast<float>(to - from);
  return value <= 0.0f ? 0 : value >= 255.0f ? 255 : static_cast<uint8_t>(value);
}

// Blends a flat image of one value with the image.
void blend_with(Pixels& image, uint8_t flat, double factor) {
  map_bytes(image, make_table([&](int value) { return blended(flat, value, static_cast<float>(factor)); }));
}

// ImageFilter.SMOOTH: (1 1 1; 1 5 1; 1 1 1) / 13, the border as it is.
Pixels smoothed(const Pixels& image) {
  Pixels smooth = image;
  const int64_t stride = 4 * image.width;
  for (int64_t y = 1; y + 1 < image.height; ++y) {
    const uint8_t* from = image.row(y);
    uint8_t* to = smooth.row(y);
    for (int64_t i = 4; i < stride - 4; ++i) {
      int sum = 4 * from[i];
      for (int64_t row = -stride; row <= stride; row += stride) {
        sum += from[i + row - 4] + from[i + row] + from[i + row + 4];
      }
      to[i] = static_cast<uint8_t>((2 * sum + 13) / 26);
    }
  }
  return smooth;
}

using Bytes4 [[gnu::vector_size(4)]] = uint8_t;
using Reals4 [[gnu::vector_size(16)]] = float;

// Pillow's cubic of parameter -1 through four values, at `d` of the way from b to c.
template <class Value>
Value cubic(Value a, Value b, Value c, Value e, float d) {
  return b + d * ((c - a) + d * ((2.0f * (a - b) + c - e) + d * (b - a - c + e)));
}

Reals4 pixel_at(const Pixels& image, int64_t x, int64_t y) {
  Bytes4 bytes;
  std::memcpy(&bytes, image.row(y) + 4 * std::clamp<int64_t>(x, 0, image.width - 1), 4);
  return __builtin_convertvector(bytes, Reals4);
}

Reals4 row_at(const Pixels& image, int64_t x, int64_t y, float dx) {
  if (dx == 0.0f) return pixel_at(image, x, y);
  return cubic(pixel_at(image, x - 1, y), pixel_at(image, x, y), pixel_at(image, x + 1, y), pixel_at(image, x + 2, y),
               dx);
}

// Requires: (x, y) lies in the image. A row that is missing below is the last one, above the first, as in Pillow.
// Shears and translations move along one axis; the other is then not interpolated.
Reals4 interpolated(const Pixels& image, float x, float y) {
  const auto column = static_cast<int64_t>(x), row = static_cast<int64_t>(y);  // rounded down: x and y are above -1
  const int64_t left = x < 0 ? -1 : column, top = y < 0 ? -1 : row;
  const float dx = x - static_cast<float>(left), dy = y - static_cast<float>(top);
  const auto line = [&](int64_t r) { return row_at(image, left, std::clamp<int64_t>(r, 0, image.height - 1), dx); };
  if (dy == 0.0f) return line(top);
  return cubic(line(top - 1), line(top), line(top + 1), line(top + 2), dy);
}

}  // namespace

void mirror(Pixels& image) {
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t *left = image.row(y), *right = left + 4 * (image.width - 1);
    for (; left < right; left += 4, right -= 4) std::swap_ranges(left, left + 4, right);
  }
}

void auto_contrast(Pixels& image) {
  for (int channel = 0; channel < 3; ++channel) {
    const Histogram counts = histogram(image, channel);
    int low = 0, high = 255;
    while (low < 255 && counts[low] == 0) ++low;
    while (high > 0 && counts[high] == 0) --high;
    if (high <= low) continue;
    const double scale = 255.0 / (high - low), offset = -low * scale;
    map_channel(image, channel, make_table([&](int v) { return static_cast<int>(v * scale + offset); }));
  }
}

void equalize(Pixels& image) {
  for (int channel = 0; channel < 3; ++channel) {
    const Histogram counts = histogram(image, channel);
    int64_t last = 0, total = 0;
    for (const int64_t count : counts) {
      total += count;
      if (count > 0) last = count;
    }
    const int64_t step = (total - last) / 255;
    if (step == 0) continue;
    int64_t sum = step / 2;
    map_channel(image, channel, make_table([&](int v) {
                  const auto value = static_cast<int>(sum / step);
                  sum += counts[v];
                  return value;
                }));
  }
}

void invert(Pixels& image) {
  map_bytes(image, make_table([](int v) { return 255 - v; }));
}

void posterize(Pixels& image, int bits) {
  const int mask = ~((1 << (8 - bits)) - 1);
  map_bytes(image, make_table([&](int v) { return v & mask; }));
}

void solarize(Pixels& image, int threshold) {
  map_bytes(image, make_table([&](int v) { return v < threshold ? v : 255 - v; }));
}

void solarize_add(Pixels& image, int added) {
  map_bytes(image, make_table([&](int v) { return v < 128 ? v + added : v; }));
}

void enhance_color(Pixels& image, double factor) {
  for (size_t i = 0; i < image.bytes.size(); i += 4) {
    uint8_t* pixel = &image.bytes[i];
    const int grey = luma(pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = blended(grey, pixel[c], static_cast<float>(factor));
  }
}

void enhance_contrast(Pixels& image, double factor) {
  int64_t sum = 0;
  for (size_t i = 0; i < image.bytes.size(); i += 4) sum += luma(&image.bytes[i]);
  const double mean = static_cast<double>(sum) / static_cast<double>(image.width * image.height);
  blend_with(image, static_cast<uint8_t>(mean + 0.5), factor);
}

void enhance_brightness(Pixels& image, double factor) { blend_with(image, 0, factor); }

void enhance_sharpness(Pixels& image, double factor) {
  const Pixels smooth = smoothed(image);
  for (size_t i = 0; i < image.bytes.size(); ++i) {
    image.bytes[i] = blended(smooth.bytes[i], image.bytes[i], static_cast<float>(factor));
  }
}

void affine(Pixels& image, const AffineMap& map, const Color& fill) {
  Pixels to(image.width, image.height);
  const auto width = static_cast<double>(image.width), height = static_cast<double>(image.height);
  uint8_t* pixel = to.bytes.data();
  for (int64_t row = 0; row < image.height; ++row) {
    for (int64_t column = 0; column < image.width; ++column, pixel += 4) {
      const double u = static_cast<double>(column) + 0.5, v = static_cast<double>(row) + 0.5;
      const double x = map[0] * u + map[1] * v + map[2], y = map[3] * u + map[4] * v + map[5];
      if (x < 0.0 || x >= width || y < 0.0 || y >= height) {
        std::copy(fill.begin(), fill.end(), pixel);
        continue;
      }
      const Reals4 value = interpolated(image, static_cast<float>(x - 0.5), static_cast<float>(y - 0.5));
      for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(std::clamp(value[c], 0.0f, 255.0f));
    }
  }
  image = std::move(to);
}

void rotate(Pixels& image, double degrees, const Color& fill) {
  if (degrees == 0.0) return;
  const double angle = -degrees * std::numbers::pi / 180.0;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double x = static_cast<double>(image.width) / 2.0, y = static_cast<double>(image.height) / 2.0;
  affine(image, {cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y}, fill);
}

}  // namespace optdnn::photos
