// A box of a JPEG is what it is in the whole image; a window of a resized image likewise.
#include "optdnn/photos/jpeg.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/photo_reader.h"
#include "support/catch.h"
#include "support/made_photos.h"

using namespace optdnn;
using namespace optdnn::photos;
using namespace optdnn::test;

namespace {

Pixels decoded(const std::string& bytes, const Rectangle& box, int reduction = 1) {
  return Jpeg(bytes, "test").read(box, reduction);
}

Rectangle some_box(int64_t width, int64_t height, base::RandomStream& random) {
  const auto below = [&](int64_t bound) { return static_cast<int64_t>(random.below(bound)); };
  const int64_t w = 1 + below(width), h = 1 + below(height);
  return {below(width - w + 1), below(height - h + 1), w, h};
}

const std::vector<JpegOptions>& kinds() {
  static const std::vector<JpegOptions> list = {{},
                                                {.chroma_width = 1, .chroma_height = 1},
                                                {.chroma_width = 2, .chroma_height = 1},
                                                {.chroma_width = 1, .chroma_height = 2},
                                                {.progressive = true},
                                                {.grey = true},
                                                {.restart_rows = 1},
                                                {.quality = 30}};
  return list;
}

}  // namespace

TEST_CASE("a box of a JPEG has the pixels of the whole image, whatever the kind of JPEG") {
  base::RandomStream random(3, "boxes");
  for (const JpegOptions& options : kinds()) {
    const Pixels made = photo(101, 77, 1);
    const std::string bytes = jpeg(made, options);
    const Pixels whole = decoded(bytes, {0, 0, 101, 77});
    if (!options.grey && options.quality == 90) REQUIRE(largest_difference(whole, made) < 128);
    for (int i = 0; i < 60; ++i) {
      const Rectangle box = some_box(101, 77, random);
      INFO(box.x << ' ' << box.y << ' ' << box.width << ' ' << box.height);
      REQUIRE(largest_difference(decoded(bytes, box), part(whole, box)) == 0);
    }
  }
}

TEST_CASE("a CMYK JPEG is taken as inverted, with Adobe's marker and without") {
  const Pixels made = photo(61, 47, 1);
  const std::string marked = jpeg(made, {.quality = 95, .cmyk = true});
  const std::string bare = jpeg(made, {.quality = 95, .cmyk = true, .adobe_marker = false});
  REQUIRE(marked.find("Adobe") != std::string::npos);
  REQUIRE(bare.find("Adobe") == std::string::npos);
  const Rectangle all{0, 0, 61, 47};
  REQUIRE(largest_difference(decoded(marked, all), made) < 64);
  REQUIRE(largest_difference(decoded(bare, all), decoded(marked, all)) == 0);
}

TEST_CASE("photographs of twice as many pixels as Pillow warns of are read, larger ones refused") {
  const auto declares = [](int width, int height) {
    std::string bytes = jpeg(photo(16, 16, 1)) + std::string(1 << 20, '\0') + "\xff\xd9";
    const size_t frame = bytes.find("\xff\xc0");
    for (const auto& [at, value] : {std::pair<size_t, int>{5, height}, {7, width}}) {
      bytes[frame + at] = static_cast<char>(value >> 8);
      bytes[frame + at + 1] = static_cast<char>(value & 255);
    }
    return bytes;
  };
  const std::string large = declares(10000, 9000), larger = declares(20000, 9000);
  REQUIRE(Jpeg(large, "test").width() == 10000);
  REQUIRE_THROWS_AS(Jpeg(larger, "test"), base::EnvironmentError);
}

TEST_CASE("a reduced JPEG is close to the resized one, and boxes of it agree with it") {
  base::RandomStream random(4, "boxes");
  const std::string bytes = jpeg(photo(160, 120, 2), {.quality = 95});
  for (const int reduction : {2, 4, 8}) {
    const int64_t width = 160 / reduction, height = 120 / reduction;
    const Pixels whole = decoded(bytes, {0, 0, width, height}, reduction);
    for (int i = 0; i < 20; ++i) {
      const Rectangle box = some_box(width, height, random);
      REQUIRE(largest_difference(decoded(bytes, box, reduction), part(whole, box)) == 0);
    }
  }
  PhotoReader plain(bytes, "test"), scaled(bytes, "test");
  const Rectangle all{0, 0, 160, 120}, window{0, 0, 40, 30};
  const Pixels a = plain.read(all, 40, 30, window, false), b = scaled.read(all, 40, 30, window, true);
  REQUIRE(largest_difference(a, b) > 0);
  double sum = 0;
  for (size_t i = 0; i < a.bytes.size(); ++i) sum += i % 4 == 3 ? 0 : std::abs(a.bytes[i] - b.bytes[i]);
  REQUIRE(sum / (3 * 40 * 30) < 12);
}

TEST_CASE("a window of a resized image has the pixels of the whole resized image") {
  base::RandomStream random(5, "windows");
  const Pixels from = photo(90, 61, 3);
  for (const auto& [width, height] : {std::pair<int64_t, int64_t>{30, 20}, {151, 133}, {90, 61}}) {
    const RealBox box{4, 3, 85, 60};
    const Pixels whole = resampled(from, box, width, height, {0, 0, width, height});
    for (int i = 0; i < 20; ++i) {
      const Rectangle window = some_box(width, height, random);
      REQUIRE(largest_difference(resampled(from, box, width, height, window), part(whole, window)) == 0);
    }
  }
}

TEST_CASE("the middle of a test image is torchvision's") {
  const CenterCrop wide = center_crop(500, 375, 256, 224);
  REQUIRE(wide.width == 341);
  REQUIRE(wide.height == 256);
  REQUIRE(wide.window.x == 58);
  REQUIRE(wide.window.y == 16);
  const CenterCrop high = center_crop(160, 213, 144, 128);
  REQUIRE(high.width == 144);
  REQUIRE(high.height == 191);
  REQUIRE(high.window.y == 32);
}
