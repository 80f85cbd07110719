// Photographs as a data set: folders and archives, any number of threads, repeats, mixtures, what is refused.
#include "optdnn/data/photo_set.h"

#include <fstream>
#include <set>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/data/loader.h"
#include "optdnn/data/photo_batch.h"
#include "optdnn/fetch/fetch_photos.h"
#include "optdnn/photos/damage.h"
#include "optdnn/photos/photo_augment.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/made_files.h"
#include "support/made_photos.h"

using namespace optdnn;
using namespace optdnn::data;
using namespace optdnn::fetch;
using namespace optdnn::photos;
using namespace optdnn::test;
using tests::contains_text;

namespace {

PhotoSpec small_spec(std::vector<PhotoAugmentation> augment = {}) {
  PhotoSpec spec;
  spec.folder = "photos";
  spec.classes = 3;
  spec.size_px = 16;
  spec.resize_px = 20;
  spec.augment = std::move(augment);
  return spec;
}

const std::vector<PhotoAugmentation> kEverything = {
    PhotoAugmentation::crop,  PhotoAugmentation::flip,  PhotoAugmentation::jitter, PhotoAugmentation::rand_augment,
    PhotoAugmentation::erase, PhotoAugmentation::mixup, PhotoAugmentation::cutmix};

std::vector<Batch> all_batches(const Loader& loader, int64_t epoch, int64_t first = 0) {
  std::vector<Batch> batches;
  auto reader = loader.epoch(epoch, first);
  while (auto batch = reader.next()) batches.push_back(*batch);
  return batches;
}

bool same(const Batch& a, const Batch& b) { return a.inputs.equal(b.inputs) && a.targets.equal(b.targets); }

}  // namespace

TEST_CASE("a folder and an archive of the same images are the same data set") {
  const TemporaryFolder unpacked = scratch("photos-folder"), packed = scratch("photos-archive");
  write_photos(unpacked.path() / "photos", 3, 5, 2);
  base::write_file_atomically(packed.path() / "photos-a.tar", photo_archive(3, 5, 2));
  const PhotoSet folder(small_spec(kEverything), "imagenette", unpacked.path());
  const PhotoSet archive(small_spec(kEverything), "imagenette", packed.path());
  REQUIRE(folder.size(Split::train) == 15);
  REQUIRE(folder.size(Split::test) == 6);
  REQUIRE(folder.class_names() == std::vector<std::string>{"n00", "n01", "n02"});
  for (const Split split : {Split::train, Split::test}) {
    REQUIRE(same(folder.batch(split, 1, 2, {0, 5, 3}), archive.batch(split, 1, 2, {0, 5, 3})));
  }
  const Batch test = folder.batch(Split::test, 0, 0, {0, 2, 5});
  REQUIRE(test.inputs.sizes() == torch::IntArrayRef({3, 3, 16, 16}));
  REQUIRE(test.inputs.is_contiguous(torch::MemoryFormat::ChannelsLast));
  REQUIRE(test.targets.equal(torch::tensor({0, 1, 2}, torch::kInt64)));
  REQUIRE(test.inputs.mean().abs().item<double>() < 1.0);
  REQUIRE(same(folder.batch(Split::test, 7, 9, {4}), folder.batch(Split::test, 0, 0, {4})));
}

TEST_CASE("batches are the same bits for any number of threads, and from any batch of an epoch on") {
  const TemporaryFolder root = scratch("photos-threads");
  write_photos(root.path() / "photos", 3, 5, 2);
  PhotoSpec spec = small_spec(kEverything);
  spec.repeats = 2;
  const PhotoSet photos(spec, "imagenette", root.path());
  const auto whole = all_batches(Loader(photos, {.batch_size = 4, .seeds = {5}}), 3);
  REQUIRE(whole.size() == 4);
  for (const int threads : {1, 3}) {
    const Loader loader(photos, {.batch_size = 4, .seeds = {5}, .threads = threads});
    for (const int64_t first : {0, 2}) {
      const auto rest = all_batches(loader, 3, first);
      for (size_t i = 0; i < rest.size(); ++i) REQUIRE(same(rest[i], whole[first + i]));
    }
  }
  REQUIRE_FALSE(same(whole[0], all_batches(Loader(photos, {.batch_size = 4, .seeds = {5}}), 4)[0]));
}

TEST_CASE("with repeats an image stands so often in an epoch, augmented differently, and the epoch keeps its length") {
  const TemporaryFolder root = scratch("photos-repeats");
  write_photos(root.path() / "photos", 3, 4, 1);
  PhotoSpec spec = small_spec({PhotoAugmentation::crop});
  spec.repeats = 3;
  const PhotoSet photos(spec, "imagenette", root.path());
  const auto batches = all_batches(Loader(photos, {.batch_size = 3, .seeds = {1}}), 0);
  REQUIRE(batches.size() == 4);
  for (const Batch& batch : batches) {  // three times the same image each
    REQUIRE(batch.targets.eq(batch.targets[0]).all().item<bool>());
    REQUIRE_FALSE(batch.inputs[0].equal(batch.inputs[1]));
  }
}

TEST_CASE("every augmentation changes training images, alone, and none changes test images") {
  const TemporaryFolder root = scratch("photos-augment");
  write_photos(root.path() / "photos", 3, 4, 1);
  const std::vector<int64_t> samples{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const PhotoSet plain(small_spec(), "imagenette", root.path());
  const Batch as_it_is = plain.batch(Split::train, 1, 0, samples);
  for (const auto& entry : enum_names(PhotoAugmentation{}).entries()) {
    INFO(entry.name);
    PhotoSpec spec = small_spec({entry.value});
    spec.erase_probability = 1.0;
    const PhotoSet photos(spec, "imagenette", root.path());
    REQUIRE_FALSE(photos.batch(Split::train, 1, 0, samples).inputs.equal(as_it_is.inputs));
    REQUIRE(same(photos.batch(Split::test, 1, 0, {0, 1}), plain.batch(Split::test, 1, 0, {0, 1})));
  }
}

TEST_CASE("mixtures are convex, of the batch with itself in reverse, targets alike") {
  PhotoSpec spec = small_spec(kEverything);
  const Batch batch{torch::randn({5, 3, 16, 16}), torch::tensor({0, 1, 2, 1, 0}, torch::kInt64)};
  int cut = 0;
  for (int64_t i = 0; i < 40; ++i) {
    const Mixture mixture = draw_mixture(spec, base::RandomStream(1, "mixture", 0, i));
    const Batch made = mixed(batch, mixture, 3);
    const float lambda = static_cast<float>(mixture.lambda);
    REQUIRE(torch::allclose(made.targets.sum(1), torch::ones({5})));
    REQUIRE(made.targets[0][0].item<double>() == Approx(1.0));  // both ends are of class 0
    REQUIRE(made.targets[1][1].item<double>() == Approx(1.0));
    REQUIRE(torch::allclose(made.inputs[2], batch.inputs[2], 1e-5, 1e-6));
    if (mixture.box.bottom == mixture.box.top && lambda < 1.0f) {
      REQUIRE(torch::allclose(made.inputs[0], lambda * batch.inputs[0] + (1 - lambda) * batch.inputs[4], 1e-5, 1e-6));
    } else if (lambda < 1.0f) {
      ++cut;
      const auto from_other = made.inputs[0].eq(batch.inputs[4][0].unsqueeze(0).expand({3, 16, 16})).any();
      const double share = made.inputs[0][0].eq(batch.inputs[4][0]).to(torch::kFloat32).mean().item<double>();
      REQUIRE(share == Approx(1.0 - mixture.lambda).margin(1e-6));
      REQUIRE(from_other.item<bool>());
    }
  }
  REQUIRE(cut > 8);
  REQUIRE(cut < 32);
}

TEST_CASE("crops lie inside, have the area and the aspect that are allowed") {
  PhotoSpec spec = small_spec();
  double smallest = 1.0, largest = 0.0;
  for (int64_t i = 0; i < 500; ++i) {
    const Rectangle box = draw_crop(spec, 320, 200, base::RandomStream(2, "crop", 0, i));
    REQUIRE(box.x >= 0);
    REQUIRE(box.y >= 0);
    REQUIRE(box.x + box.width <= 320);
    REQUIRE(box.y + box.height <= 200);
    const double area = static_cast<double>(box.width * box.height) / (320 * 200);
    const double aspect = static_cast<double>(box.width) / static_cast<double>(box.height);
    REQUIRE(aspect > 0.73);
    REQUIRE(aspect < 1.37);
    smallest = std::min(smallest, area);
    largest = std::max(largest, area);
  }
  REQUIRE(smallest < 0.12);
  REQUIRE(largest > 0.7);
  const Rectangle fallback = draw_crop(spec, 10, 1000, base::RandomStream(2, "crop", 0, 0));
  REQUIRE(fallback.width == 10);
  REQUIRE(fallback.height <= 14);
}

TEST_CASE("RandAugment draws every operation of timm's list") {
  REQUIRE(rand_augment_operations().size() == 15);
  const Pixels original = photo(32, 32, 1);
  int changed = 0;
  for (int64_t i = 0; i < 400; ++i) {
    Pixels image = original;
    rand_augment(image, RandAugmentSpec{}, base::RandomStream(3, "rand_augment", 0, i));
    changed += largest_difference(image, original) > 0;
  }
  REQUIRE(changed > 240);  // three of four are touched, some by an operation that finds nothing to do
  REQUIRE(changed < 340);
}

TEST_CASE("erasing fills a rectangle with normal noise") {
  const auto erasure = draw_erasure(64, 1.0, base::RandomStream(4, "erase"));
  REQUIRE(erasure);
  PhotoBatch batch(2, 64, torch::kCPU);
  batch.put(0, photo(64, 64, 1), 0);
  batch.put(1, photo(64, 64, 1), 1);
  batch.erase(1, erasure->box, erasure->noise);
  const torch::Tensor made = batch.finished().inputs, changed_HW = made[1].ne(made[0]).any(0);
  const Rectangle& box = erasure->box;
  const torch::Tensor inside_HW = torch::zeros({64, 64}, torch::kBool);
  inside_HW.slice(0, box.y, box.y + box.height).slice(1, box.x, box.x + box.width).fill_(true);
  REQUIRE(changed_HW.equal(inside_HW));
  double sum = 0, squares = 0;
  const auto erased = std::ssize(erasure->noise);
  for (const float value : erasure->noise) {
    sum += value;
    squares += value * value;
  }
  REQUIRE(erased > 0.015 * 3 * 64 * 64);
  REQUIRE(erased < 0.36 * 3 * 64 * 64);
  REQUIRE(sum / static_cast<double>(erased) == Approx(0.0).margin(0.15));
  REQUIRE(squares / static_cast<double>(erased) == Approx(1.0).margin(0.15));
}

TEST_CASE("a damaged image is named, by training and by the search for damage") {
  const TemporaryFolder root = scratch("photos-damaged");
  write_photos(root.path() / "photos", 3, 2, 1);
  const auto broken = root.path() / "photos/train/n01/n01_0.JPEG";
  base::write_file_atomically(broken, base::read_file(broken, 1 << 20).substr(0, 300));
  const PhotoSet photos(small_spec(), "imagenette", root.path());
  REQUIRE_THROWS_WITH(photos.batch(Split::train, 0, 0, {2}), contains_text("n01_0.JPEG is damaged: it is cut off"));
  const photos::Damage damage = find_damage({root.path() / "photos"}, 2);
  REQUIRE(damage.images == 9);
  REQUIRE(damage.messages.size() == 1);
  REQUIRE_THAT(damage.messages.front(), contains_text("n01_0.JPEG"));
}

TEST_CASE("another number of classes, or of images, is refused with both numbers") {
  const TemporaryFolder root = scratch("photos-classes");
  write_photos(root.path() / "photos", 2, 2, 1);
  REQUIRE_THROWS_WITH(PhotoSet(small_spec(), "imagenette", root.path()), contains_text("has 2 classes"));
  REQUIRE_THROWS_WITH(fetch_imagenette(root.path() / "data", root.path() / "photos"),
                      contains_text("training part has 4 images of 2 classes, wanted 9,469 of 10"));
  REQUIRE_FALSE(std::filesystem::exists(root.path() / "data/imagenette-160"));
}

TEST_CASE("photographs are unpacked from a folder or from archives, and hostile archives are refused") {
  const TemporaryFolder root = scratch("photos-unpack");
  const auto archive = root.path() / "in/part.tar.gz";
  std::filesystem::create_directories(root.path() / "in");
  base::write_file_atomically(archive, gzip(photo_archive(3, 2, 1)));
  unpack_photos(root.path() / "in", root.path() / "out");
  REQUIRE(ImageStore({root.path() / "out"}, "train").size() == 6);
  REQUIRE(ImageStore({root.path() / "out"}, "val").size() == 3);
  base::write_file_atomically(archive, gzip(tar({{"../train/n0/x.jpg", "x"}})));
  REQUIRE_THROWS_WITH(unpack_photos(archive, root.path() / "out"), contains_text("would lead out"));
  REQUIRE_FALSE(std::filesystem::exists(root.path() / "train"));
}
