// Photographs made for the tests: smooth, with noise, so that JPEG has something to do.
#pragma once

#include <string>

#include "optdnn/fetch/process.h"
#include "optdnn/photos/pixels.h"

namespace optdnn::test {

photos::Pixels photo(int64_t width, int64_t height, uint64_t seed);

struct JpegOptions {
  int quality = 90;
  int chroma_width = 2, chroma_height = 2;  // 2 x 2: 4:2:0; 1 x 1: 4:4:4
  bool progressive = false;
  bool grey = false;
  int restart_rows = 0;
  bool cmyk = false;  // inverted, black nowhere, so that it decodes to the photograph
  bool adobe_marker = true;
};
std::string jpeg(const photos::Pixels& pixels, const JpegOptions& options = {});

// Writes <folder>/{train,val}/<class>/<class>_<i>.JPEG, `train` and `test` images of each of `classes` classes.
void write_photos(const std::filesystem::path& folder, int classes, int train, int test);
// The same images as an archive.
std::string photo_archive(int classes, int train, int test);

// Largest difference of red, green and blue. Requires images of one size.
int largest_difference(const photos::Pixels& a, const photos::Pixels& b);

}  // namespace optdnn::test
