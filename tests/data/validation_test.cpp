// Validation sets: what is held out, and that training never sees it.
#include "optdnn/data/validation.h"

#include <set>

#include "optdnn/base/errors.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/data/image_set.h"
#include "optdnn/data/loader.h"
#include "support/catch.h"

namespace optdnn::data {
namespace {

ValidationSpec of_samples(int64_t samples) { return {std::nullopt, samples}; }

// 600 images of three classes, of which the first has half.
std::vector<int64_t> uneven_labels() {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 600; ++i) labels.push_back(i % 2 == 0 ? 0 : i % 3 == 0 ? 1 : 2);
  return labels;
}

GeneratedImagesSpec small_images() {
  GeneratedImagesSpec spec;
  spec.classes = 4;
  spec.size_px = 8;
  spec.train_images = 40;
  spec.test_images = 8;
  return spec;
}

std::vector<int64_t> numbers(int64_t count) {
  std::vector<int64_t> all(count);
  for (int64_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

// Every image of a split, as bytes.
std::multiset<std::string> images_of(const DataSet& set, Split split) {
  std::multiset<std::string> images;
  const torch::Tensor all = set.batch(split, 0, 0, numbers(set.size(split))).inputs.contiguous();
  for (int64_t i = 0; i < all.size(0); ++i) {
    const torch::Tensor image = all[i].contiguous();
    images.emplace(reinterpret_cast<const char*>(image.const_data_ptr<float>()), image.numel() * sizeof(float));
  }
  return images;
}

}  // namespace

TEST_CASE("a division keeps every sample once and every class's share") {
  const auto labels = uneven_labels();
  for (const int64_t held : {1, 7, 60, 599}) {
    CAPTURE(held);
    const Division division = divide(labels, 3, of_samples(held));
    REQUIRE(std::ssize(division.held_out) == held);
    std::set<int64_t> all(division.kept.begin(), division.kept.end());
    all.insert(division.held_out.begin(), division.held_out.end());
    REQUIRE(all.size() == 600);
    REQUIRE(std::is_sorted(division.kept.begin(), division.kept.end()));
    std::vector<int64_t> count(3), whole(3);
    for (const int64_t i : division.held_out) ++count[labels[i]];
    for (const int64_t label : labels) ++whole[label];
    for (int64_t c = 0; c < 3; ++c) {
      const double share = static_cast<double>(held * whole[c]) / 600;
      REQUIRE(std::abs(static_cast<double>(count[c]) - share) < 1);
    }
  }
  REQUIRE(divide(labels, 3, of_samples(60)).held_out == divide(labels, 3, {0.1, std::nullopt}).held_out);
}

TEST_CASE("a validation set that leaves nothing to train on is refused") {
  REQUIRE_THROWS_AS(divide(uneven_labels(), 3, of_samples(600)), base::ConfigError);
}

TEST_CASE("training and validation images are the training set, and validation images are never augmented") {
  GeneratedImagesSpec spec = small_images();
  const auto whole = make_dataset(spec, "");
  spec.validation = of_samples(12);
  const auto divided = make_dataset(spec, "");
  REQUIRE(whole->size(Split::valid) == 0);
  REQUIRE(divided->size(Split::valid) == 12);
  REQUIRE(divided->size(Split::train) == 28);
  std::multiset<std::string> together = images_of(*divided, Split::train);
  together.merge(images_of(*divided, Split::valid));
  REQUIRE(together == images_of(*whole, Split::train));
  REQUIRE(images_of(*divided, Split::test) == images_of(*whole, Split::test));

  spec.augment = {Augmentation::crop, Augmentation::flip, Augmentation::mixup};
  const auto augmented = make_dataset(spec, "");
  const Batch plain = divided->batch(Split::valid, 0, 0, numbers(12));
  const Batch seen = augmented->batch(Split::valid, 3, 5, numbers(12));
  REQUIRE(seen.inputs.equal(plain.inputs));
  REQUIRE(seen.targets.equal(plain.targets));
}

TEST_CASE("mixup's partners are training images, never held-out ones") {
  // Black images but for the white ones of class 1, all of which are held out: no mixture may be brighter than black.
  const torch::Tensor labels_N = torch::zeros({64}, torch::kInt64);
  const ValidationSpec validation = of_samples(32);
  const std::vector<int64_t> labels(64, 0);
  const Division division = divide(labels, 1, validation);
  torch::Tensor images_NCHW = torch::zeros({64, 1, 4, 4}, torch::kUInt8);
  for (const int64_t i : division.held_out) images_NCHW[i].fill_(255);
  AugmentOptions options;
  options.augment = {Augmentation::mixup};
  const ImageSet set({images_NCHW, labels_N}, {images_NCHW, labels_N}, 1, {}, {{0.0}, {1.0}}, options, torch::kCPU,
                     validation);
  REQUIRE(set.batch(Split::valid, 0, 0, numbers(32)).inputs.min().item<float>() == 1);
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    REQUIRE(set.batch(Split::train, 1, epoch, numbers(32)).inputs.max().item<float>() == 0);
  }
}

TEST_CASE("a task's validation points have the training distribution and a stream of their own") {
  ParitySpec parity;
  parity.d = 3;
  parity.validation = of_samples(80);
  const auto set = make_dataset(parity, "");
  const Batch valid = set->batch(Split::valid, 1, 2, numbers(80));
  const Batch again = set->batch(Split::valid, 9, 4, numbers(80));
  REQUIRE(valid.inputs.equal(again.inputs));
  const Batch train = set->batch(Split::train, 0, 0, numbers(8));
  REQUIRE(valid.inputs.slice(0, 0, 8).sign().equal(train.inputs.sign()));  // the same vertices
  REQUIRE_FALSE(valid.inputs.slice(0, 0, 8).equal(train.inputs));          // another jitter
  REQUIRE_FALSE(valid.inputs.slice(0, 0, 8).equal(set->batch(Split::test, 0, 0, numbers(8)).inputs));

  TelgarskySpec telgarsky;
  telgarsky.validation = {0.25, std::nullopt};
  const auto curve = make_dataset(telgarsky, "");
  REQUIRE(curve->size(Split::valid) == 100 * 1024 / 4);
}

TEST_CASE("runs of one seed see one batch, of several seeds their own") {
  NestedRingsSpec rings;
  rings.points_per_ring = 8;
  const auto set = make_dataset(rings, "");
  const auto first = [&](const std::vector<uint64_t>& seeds) {
    return *Loader(*set, {Split::train, 16, seeds, 0, false}).epoch(0).next();
  };
  const Batch same = first({5, 5}), different = first({5, 6}), alone = first({5});
  REQUIRE(same.inputs[0].equal(alone.inputs));
  REQUIRE(same.inputs[1].equal(alone.inputs));
  REQUIRE(different.inputs[0].equal(alone.inputs));
  REQUIRE_FALSE(different.inputs[1].equal(alone.inputs));
}

}  // namespace optdnn::data
