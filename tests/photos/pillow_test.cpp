// Decoding, resizing and every operation of RandAugment against Pillow itself, where a Python has it.
#include <sys/wait.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/image_ops.h"
#include "optdnn/photos/photo_reader.h"
#include "support/catch.h"
#include "support/made_photos.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::photos;

namespace {

constexpr Color kFill = {124, 116, 104};

Pixels read_rgb(const std::filesystem::path& path, int64_t width, int64_t height) {
  const std::string bytes = base::read_file(path, 1 << 22);
  REQUIRE(std::ssize(bytes) == 3 * width * height);
  Pixels pixels(width, height);
  for (int64_t i = 0; i < width * height; ++i) {
    for (int c = 0; c < 3; ++c) pixels.bytes[4 * i + c] = static_cast<uint8_t>(bytes[3 * i + c]);
  }
  return pixels;
}

struct Operation {
  int margin;  // how far rounding may be apart
  std::function<void(Pixels&, double)> apply;
};

const std::map<std::string, Operation>& operations() {
  static const std::map<std::string, Operation> table = {
      {"mirror", {0, [](Pixels& p, double) { mirror(p); }}},
      {"auto_contrast", {0, [](Pixels& p, double) { auto_contrast(p); }}},
      {"equalize", {0, [](Pixels& p, double) { equalize(p); }}},
      {"invert", {0, [](Pixels& p, double) { invert(p); }}},
      {"posterize", {0, [](Pixels& p, double a) { posterize(p, static_cast<int>(a)); }}},
      {"solarize", {0, [](Pixels& p, double a) { solarize(p, static_cast<int>(a)); }}},
      {"solarize_add", {0, [](Pixels& p, double a) { solarize_add(p, static_cast<int>(a)); }}},
      {"color", {0, enhance_color}},
      {"contrast", {0, enhance_contrast}},
      {"brightness", {0, enhance_brightness}},
      {"sharpness", {0, enhance_sharpness}},
      {"rotate", {1, [](Pixels& p, double a) { rotate(p, a, kFill); }}},
      {"shear_x",
       {1,
        [](Pixels& p, double a) {
          affine(p, {1, a, 0, 0, 1, 0}, kFill);
        }}},
      {"shear_y",
       {1,
        [](Pixels& p, double a) {
          affine(p, {1, 0, 0, a, 1, 0}, kFill);
        }}},
      {"translate_x",
       {1,
        [](Pixels& p, double a) {
          affine(p, {1, 0, a * 61, 0, 1, 0}, kFill);
        }}},
      {"translate_y",
       {1,
        [](Pixels& p, double a) {
          affine(p, {1, 0, 0, 0, 1, a * 47}, kFill);
        }}},
  };
  return table;
}

void check_case(const std::filesystem::path& folder, const std::string& line) {
  INFO(line);
  std::istringstream words(line);
  std::string kind, file, rgb;
  words >> kind;
  if (kind == "refuse") {
    words >> file;
    const std::string bytes = base::read_file(folder / file, 1 << 22);
    REQUIRE_THROWS_AS(PhotoReader(bytes, file).whole(), base::EnvironmentError);
  } else if (kind == "decode") {
    int64_t width = 0, height = 0;
    words >> file >> width >> height >> rgb;
    const std::string bytes = base::read_file(folder / file, 1 << 22);
    REQUIRE(test::largest_difference(PhotoReader(bytes, file).whole(), read_rgb(folder / rgb, width, height)) <= 1);
  } else if (kind == "crop") {
    Rectangle box;
    words >> file >> box.x >> box.y >> box.width >> box.height >> rgb;
    const std::string bytes = base::read_file(folder / file, 1 << 22);
    const Pixels cropped = PhotoReader(bytes, file).read(box, 24, 24, {0, 0, 24, 24}, false);
    REQUIRE(test::largest_difference(cropped, read_rgb(folder / rgb, 24, 24)) <= 1);
  } else if (kind == "resize") {
    RealBox box;
    int64_t width = 0, height = 0;
    words >> box.left >> box.top >> box.right >> box.bottom >> width >> height >> rgb;
    const Pixels from = read_rgb(folder / "photo.rgb", 61, 47), wanted = read_rgb(folder / rgb, width, height);
    // Pillow 13 begins with the pass that costs less, older ones with the rows; both round in between.
    REQUIRE(test::largest_difference(resampled(from, box, width, height, {0, 0, width, height}), wanted) <= 1);
  } else {
    double argument = 0;
    words >> argument >> rgb;
    Pixels pixels = read_rgb(folder / "photo.rgb", 61, 47);
    const Operation& operation = operations().at(kind);
    operation.apply(pixels, argument);
    REQUIRE(test::largest_difference(pixels, read_rgb(folder / rgb, 61, 47)) <= operation.margin);
  }
}

}  // namespace

TEST_CASE("files are decoded or refused, images resized and changed, as Pillow does") {
  const char* named = std::getenv("OPTDNN_PYTHON");
  const std::string python = named ? named : OPTDNN_SOURCE_DIR "/.venv/bin/python";
  const optdnn::TemporaryFolder folder;
  const int status = std::system(base::concat("'", python, "' -B '", OPTDNN_SOURCE_DIR,
                                              "/tests/photos/pillow_peer.py' '", folder.path().string(), "' 2>&1")
                                     .c_str());
  if (!std::filesystem::exists(python) || WEXITSTATUS(status) == 77) {
    WARN("skipped: " << python << " has no Pillow; OPTDNN_PYTHON names another Python");
    return;
  }
  REQUIRE(status == 0);
  std::ifstream cases(folder / "cases.txt");
  std::map<std::string, int> count;
  for (std::string line; std::getline(cases, line);) {
    check_case(folder.path(), line);
    ++count[line.substr(0, line.find(' '))];
  }
  REQUIRE(count["decode"] >= 24);
  REQUIRE(count["refuse"] >= 8);
  REQUIRE(count["crop"] == 4);
  REQUIRE(count["resize"] == 20);
  for (const auto& item : operations()) REQUIRE(count[item.first] > 0);
}
