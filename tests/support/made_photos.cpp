#include "support/made_photos.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include "optdnn/base/files.h"
#include "optdnn/base/random.h"
#include "support/catch.h"
#include "support/made_files.h"

namespace optdnn::test {

photos::Pixels photo(int64_t width, int64_t height, uint64_t seed) {
  base::RandomStream random(seed, "photo");
  photos::Pixels pixels(width, height);
  double frequency[3], phase[3];
  for (int c = 0; c < 3; ++c) {
    frequency[c] = random.uniform(0.02, 0.4);
    phase[c] = random.uniform(0, 6);
  }
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(frequency[c] * static_cast<double>(x) + phase[c]) *
                            std::cos(frequency[(c + 1) % 3] * static_cast<double>(y));
        pixels.row(y)[4 * x + c] = static_cast<uint8_t>(128 + 90 * wave + random.uniform(-30, 30));
      }
    }
  }
  return pixels;
}

std::string jpeg(const photos::Pixels& pixels, const JpegOptions& options) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(pixels.width);
  info.image_height = static_cast<JDIMENSION>(pixels.height);
  info.input_components = options.grey ? 1 : 4;
  info.in_color_space = options.grey ? JCS_GRAYSCALE : options.cmyk ? JCS_CMYK : JCS_EXT_RGBX;
  jpeg_set_defaults(&info);
  if (options.cmyk) info.write_Adobe_marker = options.adobe_marker ? TRUE : FALSE;
  jpeg_set_quality(&info, options.quality, TRUE);
  if (!options.grey && !options.cmyk) {
    info.comp_info[0].h_samp_factor = options.chroma_width;
    info.comp_info[0].v_samp_factor = options.chroma_height;
  }
  info.restart_in_rows = options.restart_rows;
  if (options.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<uint8_t> grey(pixels.width), inks(4 * pixels.width, 255);
  for (int64_t y = 0; y < pixels.height; ++y) {
    for (int64_t x = 0; x < pixels.width; ++x) {
      grey[x] = pixels.row(y)[4 * x];
      std::copy_n(pixels.row(y) + 4 * x, 3, &inks[4 * x]);
    }
    JSAMPROW row = options.grey ? grey.data() : options.cmyk ? inks.data() : const_cast<uint8_t*>(pixels.row(y));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return bytes;
}

namespace {

// Calls `take(path, bytes)` for every image of the set.
template <class Take>
void make_photos(int classes, int train, int test, Take take) {
  for (int label = 0; label < classes; ++label) {
    for (int i = 0; i < train + test; ++i) {
      const std::string folder = base::concat(i < train ? "train" : "val", "/n0", label);
      const photos::Pixels pixels = photo(40 + 7 * label + i, 33 + 3 * i, 100 * label + i);
      take(base::concat(folder, "/n0", label, "_", i, ".JPEG"), jpeg(pixels, {.grey = i % 5 == 4}));
    }
  }
}

}  // namespace

void write_photos(const std::filesystem::path& folder, int classes, int train, int test) {
  make_photos(classes, train, test, [&](const std::string& path, const std::string& bytes) {
    base::make_folders((folder / path).parent_path());
    base::write_file_atomically(folder / path, bytes);
  });
}

std::string photo_archive(int classes, int train, int test) {
  std::vector<std::pair<std::string, std::string>> members;
  make_photos(classes, train, test, [&](const std::string& path, const std::string& bytes) {
    members.emplace_back("./some/folder/" + path, bytes);
  });
  return tar(members);
}

int largest_difference(const photos::Pixels& a, const photos::Pixels& b) {
  REQUIRE(a.width == b.width);
  REQUIRE(a.height == b.height);
  int largest = 0;
  for (size_t i = 0; i < a.bytes.size(); ++i) {
    if (i % 4 != 3) largest = std::max(largest, std::abs(a.bytes[i] - b.bytes[i]));
  }
  return largest;
}

}  // namespace optdnn::test
