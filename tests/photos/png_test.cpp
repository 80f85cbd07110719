// PNGs with whatever stands beside their pixels; crops of PNG and JPEG, which are cut out before they are resized.
#include "optdnn/photos/png.h"

#include <zlib.h>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/photos/photo_reader.h"
#include "optdnn/photos/png_chunks.h"
#include "support/catch.h"
#include "support/made_files.h"
#include "support/made_photos.h"

using namespace optdnn;
using namespace optdnn::photos;
using namespace optdnn::test;

namespace {

constexpr size_t kHead = 33;  // signature and IHDR

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string summed = type + data;
  const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + summed + big_endian(static_cast<uint32_t>(sum));
}

std::string rgb_of(const Pixels& pixels) {
  std::string rgb;
  for (size_t i = 0; i < pixels.bytes.size(); ++i) {
    if (i % 4 != 3) rgb += static_cast<char>(pixels.bytes[i]);
  }
  return rgb;
}

std::string png_of(const Pixels& pixels) { return png(rgb_of(pixels), pixels.width, pixels.height); }

}  // namespace

TEST_CASE("chunks beside the pixels are passed over, of any size and number, wherever they stand") {
  const Pixels made = photo(32, 24, 1);
  const std::string plain = png_of(made);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += chunk("tEXt", "key" + std::to_string(i) + std::string(1, '\0') + "value");
  const std::vector<std::string> beside = {
      chunk("tEXt", "Comment" + std::string(1, '\0') + std::string(3 << 20, 'x')),
      many,
      chunk("iTXt", "XML:com.adobe.xmp" + std::string(5, '\0') + std::string(2 << 20, 'x')),
      chunk("eXIf", "MM" + std::string(2 << 20, '\1')),
      chunk("zTXt", "bomb" + std::string(2, '\0') + "no zlib stream"),
      chunk("iCCP", "profile, not even compressed"),
      chunk("gAMA", "1"),
      chunk("tIME", ""),
      chunk("prVt", "of some program")};
  const size_t end = plain.size() - 12;  // of IEND
  for (const std::string& chunks : beside) {
    CAPTURE(chunks.substr(0, 40));
    for (const size_t at : {kHead, end, plain.size()}) {
      std::string bytes = plain;
      bytes.insert(at, chunks);
      REQUIRE(largest_difference(decode_png(bytes, "test"), made) == 0);
    }
  }
}

TEST_CASE("what the decoder reads of a PNG are its pixels' chunks, byte for byte, in pieces of any length") {
  const std::string plain = png_of(photo(9, 7, 2));
  const std::string bytes = plain.substr(0, kHead) + chunk("tEXt", "a") + chunk("zzZz", "") + plain.substr(kHead);
  for (const size_t step : {1, 3, 8, 100}) {
    PngPixelChunks chunks(bytes);
    std::string read, piece(step, '\0');
    while (read.size() + step <= plain.size() && chunks.read(piece.data(), step)) read += piece;
    REQUIRE(read == plain.substr(0, plain.size() / step * step));
    REQUIRE_FALSE(chunks.read(std::string(step, '\0').data(), step));
  }
}

TEST_CASE("a PNG that is cut off, or whose pixels' chunks are damaged, is named") {
  const std::string plain = png_of(photo(32, 24, 3));
  for (size_t length = 0; length + 12 < plain.size(); length += 37)
    REQUIRE_THROWS_AS(decode_png(plain.substr(0, length), "cut"), base::EnvironmentError);
  for (const size_t at : {17u, 29u, 60u, 200u}) {
    std::string bytes = plain;
    bytes[at] ^= 1;
    REQUIRE_THROWS_AS(decode_png(bytes, "flipped"), base::EnvironmentError);
  }
}

TEST_CASE("a crop of a PNG is cut out and then resized: pixels beside it do not count") {
  base::RandomStream random(6, "crops");
  for (int i = 0; i < 30; ++i) {
    const Pixels made = photo(40, 30, i);
    const auto below = [&](int64_t bound) { return static_cast<int64_t>(random.below(bound)); };
    const int64_t w = 1 + below(40), h = 1 + below(30);
    const Rectangle box{below(41 - w), below(31 - h), w, h}, all{0, 0, 16, 16};
    const std::string whole = png_of(made), cut = png_of(part(made, box));
    const Pixels cropped = PhotoReader(whole, "whole").read(box, 16, 16, all, false);
    const Pixels wanted = PhotoReader(cut, "cut").read({0, 0, w, h}, 16, 16, all, false);
    REQUIRE(largest_difference(cropped, wanted) == 0);
  }
}

TEST_CASE("the same pixels as PNG and as JPEG are cropped to the same pixels") {
  base::RandomStream random(7, "crops");
  const std::string bytes = jpeg(photo(64, 48, 1), {.chroma_width = 1, .chroma_height = 1});
  const std::string same = png_of(PhotoReader(bytes, "test").whole());
  for (int i = 0; i < 40; ++i) {
    const auto below = [&](int64_t bound) { return static_cast<int64_t>(random.below(bound)); };
    const int64_t w = 1 + below(64), h = 1 + below(48);
    const Rectangle box{below(65 - w), below(49 - h), w, h}, window{2, 3, 10, 11};
    REQUIRE(largest_difference(PhotoReader(bytes, "jpeg").read(box, 20, 20, window, false),
                               PhotoReader(same, "png").read(box, 20, 20, window, false)) == 0);
  }
}

TEST_CASE("files by the name of a picture say what they are") {
  const auto refusal = [](const std::string& bytes) {
    try {
      PhotoReader(bytes, "x.jpg");
    } catch (const base::EnvironmentError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("RIFF1234WEBPVP8 ") == "x.jpg is a WebP picture, neither a JPEG nor a PNG");
  CHECK(refusal("version https://git-lfs.github.com/spec/v1") ==
        "x.jpg is a Git LFS pointer, not the file itself, neither a JPEG nor a PNG");
  CHECK(refusal("<!DOCTYPE html>") == "x.jpg is an HTML page, neither a JPEG nor a PNG");
  CHECK(refusal("") == "x.jpg is damaged: it is neither a JPEG nor a PNG");
}
