#include "optdnn/photos/photo_augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "optdnn/base/text.h"
#include "optdnn/config/reader.h"

namespace optdnn::photos {

using base::RandomStream;

const base::NameTable<PhotoAugmentation>& enum_names(PhotoAugmentation) {
  static const base::NameTable<PhotoAugmentation> table(
      "augmentations", {{"crop", "a random box, resized", PhotoAugmentation::crop},
                        {"flip", "left and right swapped for every other image", PhotoAugmentation::flip},
                        {"jitter", "brightness, contrast and saturation changed", PhotoAugmentation::jitter},
                        {"rand_augment", "random operations of timm's list", PhotoAugmentation::rand_augment},
                        {"erase", "sometimes a rectangle becomes noise", PhotoAugmentation::erase},
                        {"mixup", "batches mixed with themselves in reverse", PhotoAugmentation::mixup},
                        {"cutmix", "a box of the batch in reverse is put in", PhotoAugmentation::cutmix}});
  return table;
}

void PhotoSpec::check(config::Checker& checker) const {
  if (resize_px < size_px) {
    checker.error("resize_px", base::concat("resize_px ", resize_px, " is less than size_px ", size_px),
                  "test images are cut out of the resized ones");
  }
}

bool contains(const PhotoSpec& spec, PhotoAugmentation augmentation) {
  return std::find(spec.augment.begin(), spec.augment.end(), augmentation) != spec.augment.end();
}

namespace {

Rectangle middle(const PhotoSpec& spec, int64_t width, int64_t height) {
  const double aspect = static_cast<double>(width) / static_cast<double>(height);
  int64_t w = width, h = height;
  if (aspect < spec.crop_aspect.first) h = std::llround(static_cast<double>(width) / spec.crop_aspect.first);
  if (aspect > spec.crop_aspect.second) w = std::llround(static_cast<double>(height) * spec.crop_aspect.second);
  w = std::clamp<int64_t>(w, 1, width);
  h = std::clamp<int64_t>(h, 1, height);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

}  // namespace

Rectangle draw_crop(const PhotoSpec& spec, int64_t width, int64_t height, RandomStream random) {
  const auto area = static_cast<double>(width * height);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.uniform(spec.crop_area.first, spec.crop_area.second);
    const double aspect = std::exp(random.uniform(std::log(spec.crop_aspect.first), std::log(spec.crop_aspect.second)));
    const int64_t w = std::llround(std::sqrt(target * aspect)), h = std::llround(std::sqrt(target / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const auto y = static_cast<int64_t>(random.below(height - h + 1));
    return {static_cast<int64_t>(random.below(width - w + 1)), y, w, h};
  }
  return middle(spec, width, height);
}

void jitter_colors(Pixels& image, double jitter, RandomStream random) {
  std::array<void (*)(Pixels&, double), 3> changes = {enhance_brightness, enhance_contrast, enhance_color};
  for (size_t i = changes.size() - 1; i > 0; --i) std::swap(changes[i], changes[random.below(i + 1)]);
  for (const auto change : changes) change(image, random.uniform(1.0 - jitter, 1.0 + jitter));
}

namespace {

constexpr Color kFill = {124, 116, 104};  // the mean of ImageNet

double either_sign(double value, RandomStream& random) { return random.coin() ? value : -value; }

double enhancement(double magnitude, RandomStream& random) {
  return std::max(0.1, 1.0 + either_sign(magnitude / 10.0 * 0.9, random));
}

}  // namespace

const std::vector<AugmentOperation>& rand_augment_operations() {
  using R = RandomStream;
  using P = Pixels;
  static const std::vector<AugmentOperation> table = {
      {"AutoContrast", [](P& image, double, R&) { auto_contrast(image); }},
      {"Equalize", [](P& image, double, R&) { equalize(image); }},
      {"Invert", [](P& image, double, R&) { invert(image); }},
      {"Rotate", [](P& image, double m, R& random) { rotate(image, either_sign(m * 3.0, random), kFill); }},
      {"PosterizeIncreasing", [](P& image, double m, R&) { posterize(image, 4 - static_cast<int>(m / 10.0 * 4)); }},
      {"SolarizeIncreasing",
       [](P& image, double m, R&) { solarize(image, 256 - std::min(256, static_cast<int>(m / 10.0 * 256))); }},
      {"SolarizeAdd",
       [](P& image, double m, R&) { solarize_add(image, std::min(128, static_cast<int>(m / 10.0 * 110))); }},
      {"ColorIncreasing", [](P& image, double m, R& random) { enhance_color(image, enhancement(m, random)); }},
      {"ContrastIncreasing", [](P& image, double m, R& random) { enhance_contrast(image, enhancement(m, random)); }},
      {"BrightnessIncreasing",
       [](P& image, double m, R& random) { enhance_brightness(image, enhancement(m, random)); }},
      {"SharpnessIncreasing", [](P& image, double m, R& random) { enhance_sharpness(image, enhancement(m, random)); }},
      {"ShearX",
       [](P& image, double m, R& random) {
         affine(image, {1, either_sign(m * 0.03, random), 0, 0, 1, 0}, kFill);
       }},
      {"ShearY",
       [](P& image, double m, R& random) {
         affine(image, {1, 0, 0, either_sign(m * 0.03, random), 1, 0}, kFill);
       }},
      {"TranslateXRel",
       [](P& image, double m, R& random) {
         affine(image, {1, 0, either_sign(m * 0.045, random) * static_cast<double>(image.width), 0, 1, 0}, kFill);
       }},
      {"TranslateYRel",
       [](P& image, double m, R& random) {
         affine(image, {1, 0, 0, 0, 1, either_sign(m * 0.045, random) * static_cast<double>(image.height)}, kFill);
       }},
  };
  return table;
}

void rand_augment(Pixels& image, const RandAugmentSpec& spec, RandomStream random) {
  const auto& operations = rand_augment_operations();
  for (int64_t i = 0; i < spec.operations; ++i) {
    const AugmentOperation& operation = operations[random.below(operations.size())];
    if (random.coin()) continue;
    const double magnitude = std::clamp(spec.magnitude + spec.deviation * random.normal(), 0.0, 10.0);
    operation.apply(image, magnitude, random);
  }
}

namespace {

// Standard normal, two numbers from two (Box-Muller).
void fill_noise(float* values, int64_t count, RandomStream& random) {
  for (int64_t i = 0; i < count; i += 2) {
    const float u = (static_cast<float>(random.next() >> 8) + 0.5f) * 0x1.0p-24f;
    const float turn = static_cast<float>(random.next() >> 8) * 0x1.0p-24f * 2.0f * std::numbers::pi_v<float>;
    const float radius = std::sqrt(-2.0f * std::log(u));
    values[i] = radius * std::cos(turn);
    if (i + 1 < count) values[i + 1] = radius * std::sin(turn);
  }
}

}  // namespace

std::optional<Erasure> draw_erasure(int64_t size_px, double probability, RandomStream random) {
  if (random.uniform() >= probability) return std::nullopt;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = random.uniform(0.02, 1.0 / 3.0) * static_cast<double>(size_px * size_px);
    const double aspect = std::exp(random.uniform(std::log(0.3), std::log(1.0 / 0.3)));
    const int64_t rows = std::llround(std::sqrt(area * aspect)), columns = std::llround(std::sqrt(area / aspect));
    if (rows < 1 || columns < 1 || rows >= size_px || columns >= size_px) continue;
    const auto top = static_cast<int64_t>(random.below(size_px - rows + 1));
    const auto left = static_cast<int64_t>(random.below(size_px - columns + 1));
    Erasure erasure{{left, top, columns, rows}, std::vector<float>(3 * rows * columns)};
    for (int64_t y = 0; y < rows; ++y) fill_noise(erasure.noise.data() + 3 * columns * y, 3 * columns, random);
    return erasure;
  }
  return std::nullopt;
}

}  // namespace optdnn::photos
