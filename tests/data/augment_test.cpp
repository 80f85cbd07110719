// Augmentation equals a naive per-image reference, for any batch split.
#include "optdnn/data/augment.h"

#include <cmath>
#include <map>

#include "optdnn/base/random.h"
#include "optdnn/data/image_set.h"
#include "support/catch.h"

using namespace optdnn;
using namespace optdnn::data;

namespace {

constexpr int64_t kImages = 40, kHeight = 9, kWidth = 7;
const ImageStatistics kStatistics{{0.5, 0.4, 0.3}, {0.2, 0.25, 0.3}};

LabelledImages random_images() {
  LabelledImages made{torch::empty({kImages, 3, kHeight, kWidth}, torch::kUInt8), torch::arange(kImages).remainder(4)};
  base::RandomStream random(1, "test images");
  auto* pixel = made.images_NCHW.mutable_data_ptr<uint8_t>();
  for (int64_t i = 0; i < made.images_NCHW.numel(); ++i) pixel[i] = static_cast<uint8_t>(random.below(256));
  return made;
}

ImageSet image_set(const AugmentOptions& options) {
  return ImageSet(random_images(), random_images(), 4, {}, kStatistics, options, torch::kCPU);
}

AugmentOptions small_options(std::vector<Augmentation> augment) {
  AugmentOptions options;
  options.augment = std::move(augment);
  options.crop_padding = 2;
  options.cutout_size = 4;
  options.erase_probability = 0.5;
  return options;
}

std::vector<int64_t> all_samples() {
  std::vector<int64_t> samples(kImages);
  for (int64_t i = 0; i < kImages; ++i) samples[i] = (7 * i + 3) % kImages;
  return samples;
}

bool inside(const Box& box, int64_t y, int64_t x) {
  return y >= box.top && y < box.bottom && x >= box.left && x < box.right;
}

// One image, pixel by pixel, in double precision.
torch::Tensor naive(const torch::Tensor& image_CHW, const AugmentParameters& p, CropFill fill = CropFill::black) {
  const auto outside = [](int64_t at, int64_t size) { return at < 0 || at >= size; };
  const auto mirrored = [](int64_t at, int64_t size) { return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at; };
  torch::Tensor made = torch::zeros({3, kHeight, kWidth}, torch::kFloat64);
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < kHeight; ++y) {
      for (int64_t x = 0; x < kWidth; ++x) {
        if (inside(p.cut, y, x) || inside(p.erased, y, x)) continue;
        int64_t from_y = y + p.shift_y, from_x = (p.flip ? kWidth - 1 - x : x) + p.shift_x;
        if (fill == CropFill::reflect) {
          from_y = mirrored(from_y, kHeight);
          from_x = mirrored(from_x, kWidth);
        }
        const bool black = outside(from_y, kHeight) || outside(from_x, kWidth);
        if (black && fill == CropFill::mean) continue;
        const double pixel = black ? 0.0 : image_CHW[c][from_y][from_x].item<double>() / 255.0;
        made[c][y][x] = (pixel - kStatistics.mean[c]) / kStatistics.std[c];
      }
    }
  }
  return made;
}

}  // namespace

TEST_CASE("the batched augmentation equals the naive one, image by image") {
  using A = Augmentation;
  const torch::Tensor images = random_images().images_NCHW;
  for (const auto& augment : std::vector<std::vector<A>>{{},
                                                         {A::crop},
                                                         {A::flip},
                                                         {A::crop, A::flip},
                                                         {A::cutout},
                                                         {A::erase},
                                                         {A::crop, A::flip, A::cutout, A::erase}}) {
    const AugmentOptions options = small_options(augment);
    const std::vector<int64_t> samples = all_samples();
    const Batch batch = image_set(options).batch(Split::train, 11, 2, samples);
    for (int64_t i = 0; i < kImages; ++i) {
      const auto parameters = draw_augmentation(options, kHeight, kWidth, 11, 2, samples[i]);
      const torch::Tensor wanted = naive(images[samples[i]], parameters);
      REQUIRE((batch.inputs[i].to(torch::kFloat64) - wanted).abs().max().item<double>() < 1e-5);
      REQUIRE(batch.targets[i].item<int64_t>() == samples[i] % 4);
    }
  }
}

TEST_CASE("what surrounds a cropped image is black, the mean or its mirror image") {
  const torch::Tensor images = random_images().images_NCHW;
  for (const CropFill fill : {CropFill::black, CropFill::mean, CropFill::reflect}) {
    AugmentOptions options = small_options({Augmentation::crop, Augmentation::flip});
    options.crop_fill = fill;
    const std::vector<int64_t> samples = all_samples();
    const Batch batch = image_set(options).batch(Split::train, 11, 2, samples);
    for (int64_t i = 0; i < kImages; ++i) {
      const auto parameters = draw_augmentation(options, kHeight, kWidth, 11, 2, samples[i]);
      const torch::Tensor wanted = naive(images[samples[i]], parameters, fill);
      REQUIRE((batch.inputs[i].to(torch::kFloat64) - wanted).abs().max().item<double>() < 1e-5);
    }
  }
}

TEST_CASE("augmentation is a function of seed, epoch and sample: any split of a batch gives the same bits") {
  using A = Augmentation;
  const ImageSet set = image_set(small_options({A::crop, A::flip, A::cutout, A::erase, A::mixup}));
  const std::vector<int64_t> samples = all_samples();
  const Batch whole = set.batch(Split::train, 3, 1, samples);
  for (const int64_t size : {1, 7, 32}) {
    for (int64_t first = 0; first < kImages; first += size) {
      const int64_t last = std::min(first + size, kImages);
      const Batch part = set.batch(Split::train, 3, 1, {samples.begin() + first, samples.begin() + last});
      REQUIRE(part.inputs.equal(whole.inputs.slice(0, first, last)));
      REQUIRE(part.targets.equal(whole.targets.slice(0, first, last)));
    }
  }
  REQUIRE_FALSE(set.batch(Split::train, 3, 2, samples).inputs.equal(whole.inputs));
  REQUIRE_FALSE(set.batch(Split::train, 4, 1, samples).inputs.equal(whole.inputs));
  REQUIRE(set.batch(Split::test, 3, 1, samples).inputs.equal(set.batch(Split::test, 4, 2, samples).inputs));
}

TEST_CASE("every augmentation draws from a stream of its own") {
  using A = Augmentation;
  for (int64_t sample = 0; sample < 50; ++sample) {
    const auto alone = draw_augmentation(small_options({A::crop}), 32, 32, 0, 0, sample);
    const auto among = draw_augmentation(small_options({A::flip, A::erase, A::cutout, A::crop}), 32, 32, 0, 0, sample);
    REQUIRE(alone.shift_y == among.shift_y);
    REQUIRE(alone.shift_x == among.shift_x);
  }
}

TEST_CASE("shifts, flips and boxes are drawn as the definitions say") {
  using A = Augmentation;
  AugmentOptions options;
  options.augment = {A::crop, A::flip, A::cutout, A::erase};
  constexpr int64_t kDraws = 20000;
  std::map<int64_t, int64_t> shifts;
  int64_t flips = 0, erased = 0;
  for (int64_t i = 0; i < kDraws; ++i) {
    const auto p = draw_augmentation(options, 32, 32, 0, 0, i);
    ++shifts[p.shift_y * 100 + p.shift_x];
    flips += p.flip;
    erased += p.erased.bottom > p.erased.top;
    for (const Box& box : {p.cut, p.erased}) {
      REQUIRE((box.top >= 0 && box.top <= box.bottom && box.bottom <= 32));
      REQUIRE((box.left >= 0 && box.left <= box.right && box.right <= 32));
    }
    REQUIRE(p.cut.bottom - p.cut.top >= 8);
    REQUIRE(p.cut.bottom - p.cut.top <= 16);
    const double area = static_cast<double>((p.erased.bottom - p.erased.top) * (p.erased.right - p.erased.left)) / 1024;
    REQUIRE(area < 0.40);
  }
  REQUIRE(shifts.size() == 81);  // 9 x 9 windows, about 247 draws each
  for (const auto& [shift, count] : shifts) REQUIRE(std::abs(count - kDraws / 81) < 100);
  REQUIRE(std::abs(flips - kDraws / 2) < 400);
  REQUIRE(std::abs(erased - kDraws / 4) < 400);
}

TEST_CASE("mixup mixes images and targets by the same weight, drawn from Beta(alpha, alpha)") {
  using A = Augmentation;
  const AugmentOptions options = small_options({A::mixup});
  const ImageSet mixed = image_set(options), plain = image_set({});
  const std::vector<int64_t> samples = all_samples();
  const Batch batch = mixed.batch(Split::train, 0, 0, samples);
  REQUIRE(batch.targets.sizes() == torch::IntArrayRef{kImages, 4});
  for (int64_t i = 0; i < kImages; ++i) {
    const MixupPartner drawn = draw_mixup(options.mixup_alpha, kImages, 0, 0, samples[i]);
    const Batch own = plain.batch(Split::test, 0, 0, {samples[i]}),
                other = plain.batch(Split::test, 0, 0, {drawn.sample});
    const torch::Tensor wanted = drawn.weight * own.inputs[0] + (1 - drawn.weight) * other.inputs[0];
    REQUIRE((batch.inputs[i] - wanted).abs().max().item<double>() < 1e-5);
    const torch::Tensor targets =
        drawn.weight * torch::one_hot(own.targets[0], 4) + (1 - drawn.weight) * torch::one_hot(other.targets[0], 4);
    REQUIRE((batch.targets[i] - targets).abs().max().item<double>() < 1e-6);
  }
  for (const double alpha : {0.2, 1.0, 2.0}) {
    double sum = 0, squares = 0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const double weight = draw_mixup(alpha, 10, 0, 0, i).weight;
      REQUIRE((weight >= 0 && weight <= 1));
      sum += weight;
      squares += (weight - 0.5) * (weight - 0.5);
    }
    REQUIRE(sum / kDraws == Approx(0.5).margin(0.01));
    REQUIRE(squares / kDraws == Approx(0.25 / (2 * alpha + 1)).margin(0.005));
  }
}
