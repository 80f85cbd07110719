#include "optdnn/fetch/png_atlas.h"

#include <spng.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::fetch {

using base::concat;
using base::EnvironmentError;

namespace {
constexpr int64_t kPixels = 32 * 32;
constexpr int64_t kRowBytes = 3 * kPixels;
}  // namespace

std::string decode_atlas(std::string_view png, int64_t rows, const std::string& place) {
  const std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)> decoder(spng_ctx_new(0), spng_ctx_free);
  if (!decoder) throw std::bad_alloc();
  const auto check = [&](int status) {
    if (status != 0) throw EnvironmentError(concat(place, " is damaged: ", spng_strerror(status)));
  };
  check(spng_set_chunk_limits(decoder.get(), 1 << 20, 1 << 20));
  check(spng_set_png_buffer(decoder.get(), png.data(), png.size()));
  spng_ihdr header{};
  check(spng_get_ihdr(decoder.get(), &header));
  if (header.width != kPixels || header.height != rows || header.bit_depth != 8 ||
      header.color_type != SPNG_COLOR_TYPE_TRUECOLOR) {
    throw EnvironmentError(concat(place, " is ", header.width, " x ", header.height, " pixels of kind ",
                                  int{header.color_type}, ", wanted ", kPixels, " x ", rows, " of RGB bytes"));
  }
  std::string rgb(rows * kRowBytes, '\0');
  check(spng_decode_image(decoder.get(), rgb.data(), rgb.size(), SPNG_FMT_RGB8, 0));
  return rgb;
}

std::vector<uint8_t> parse_labels(std::string_view json, int64_t count, int64_t classes, const std::string& place) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_array() || std::ssize(parsed) != count) {
    throw EnvironmentError(concat(place, " is no list of ", count, " labels"));
  }
  std::vector<uint8_t> labels;
  labels.reserve(count);
  for (const auto& label : parsed) {
    if (!label.is_number_unsigned() || label.get<uint64_t>() >= static_cast<uint64_t>(classes)) {
      throw EnvironmentError(
          concat(place, ": label ", labels.size(), " is ", label.dump(), ", wanted 0 to ", classes - 1));
    }
    labels.push_back(label.get<uint8_t>());
  }
  return labels;
}

namespace {

std::string cifar_records(std::string_view atlas_rgb, const uint8_t* labels, int64_t records) {
  std::string bytes(records * (1 + kRowBytes), '\0');
  char* to = bytes.data();
  const char* from = atlas_rgb.data();
  for (int64_t i = 0; i < records; ++i, from += kRowBytes) {
    *to++ = static_cast<char>(labels[i]);
    for (int64_t channel = 0; channel < 3; ++channel) {
      for (int64_t pixel = 0; pixel < kPixels; ++pixel) *to++ = from[3 * pixel + channel];
    }
  }
  return bytes;
}

constexpr std::string_view kClassNames = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n";

}  // namespace

std::vector<data::NamedBytes> convert_atlases(const data::CifarLayout& layout,
                                              const std::vector<std::string>& package) {
  const int64_t classes = layout.labels.front().classes;
  int64_t train_records = 0;
  for (const data::CifarFile& file : layout.train) train_records += file.records;
  const auto train_labels = parse_labels(package.at(0), train_records, classes, "the training labels");
  const auto test_labels = parse_labels(package.at(1), layout.test.records, classes, "the test labels");
  std::vector<data::NamedBytes> files;
  int64_t first = 0;
  for (const data::CifarFile& file : layout.train) {
    const std::string rgb =
        decode_atlas(package.at(2 + files.size()), file.records, concat("the atlas of ", file.name));
    files.push_back({file.name, cifar_records(rgb, train_labels.data() + first, file.records)});
    first += file.records;
  }
  const std::string rgb = decode_atlas(package.at(2 + files.size()), layout.test.records, "the atlas of the test set");
  files.push_back({layout.test.name, cifar_records(rgb, test_labels.data(), layout.test.records)});
  files.push_back({layout.labels.front().names_file, std::string(kClassNames)});
  return files;
}

}  // namespace optdnn::fetch
