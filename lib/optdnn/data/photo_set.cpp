#include "optdnn/data/photo_set.h"

#include <algorithm>
#include <iterator>
#include <thread>

#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/photo_augment.h"
#include "optdnn/photos/photo_reader.h"

namespace optdnn::data {

using base::RandomStream;
using photos::contains;
using photos::ImageStore;
using photos::PhotoAugmentation;
using photos::PhotoSpec;
using photos::Pixels;

namespace {

// One image of a batch, and the numbers it draws.
struct Sample {
  const PhotoSpec& spec;
  uint64_t seed;
  int64_t epoch, index;

  RandomStream random(std::string_view purpose) const { return RandomStream(seed, purpose, epoch, index); }

  Pixels pixels(const std::string& bytes, const std::string& place, bool training) const {
    photos::PhotoReader reader(bytes, place);
    const int64_t width = reader.width(), height = reader.height(), size = spec.size_px;
    if (training && contains(spec, PhotoAugmentation::crop)) {
      const photos::Rectangle box = photos::draw_crop(spec, width, height, random("crop"));
      return reader.read(box, size, size, {0, 0, size, size}, spec.scaled_decode);
    }
    const photos::CenterCrop crop = photos::center_crop(width, height, spec.resize_px, size);
    return reader.read({0, 0, width, height}, crop.width, crop.height, crop.window, spec.scaled_decode);
  }

  void recolor(Pixels& image) const {
    if (contains(spec, PhotoAugmentation::flip) && random("flip").coin()) photos::mirror(image);
    if (contains(spec, PhotoAugmentation::jitter)) photos::jitter_colors(image, spec.jitter, random("jitter"));
    if (contains(spec, PhotoAugmentation::rand_augment)) {
      photos::rand_augment(image, spec.rand_augment, random("rand_augment"));
    }
  }
};

ImageStore opened(const PhotoSpec& spec, std::string_view dataset, const std::filesystem::path& root, Split split) {
  try {
    return ImageStore(photos::image_places(root / spec.folder), split == Split::train ? "train" : "val");
  } catch (const base::EnvironmentError& error) {
    std::string hint = error.hint();
    if (hint.empty() && std::filesystem::exists(spec.folder) && !std::filesystem::exists(root / spec.folder))
      hint = base::concat(spec.folder, " is looked for below the data folder; --data . is this one");
    if (hint.empty()) hint = base::concat("`optdnn fetch ", dataset, "` says how it gets there");
    throw base::EnvironmentError(error.what(), hint);
  }
}

// "only in train: cat, dog; only in val: eel"
std::string difference(const std::vector<std::string>& train, const std::vector<std::string>& val) {
  std::vector<std::string> parts;
  const auto add = [&](const char* split, const auto& here, const auto& there) {
    std::vector<std::string> only;
    std::set_difference(here.begin(), here.end(), there.begin(), there.end(), std::back_inserter(only));
    if (!only.empty()) parts.push_back(base::concat("only in ", split, ": ", photos::some_of(only)));
  };
  add("train", train, val);
  add("val", val, train);
  return base::join(parts, "; ");
}

}  // namespace

PhotoSet::PhotoSet(PhotoSpec spec, std::string_view dataset, const std::filesystem::path& data_root,
                   const std::optional<ValidationSpec>& validation, const torch::Device& device)
    : spec_(std::move(spec)),
      device_(device),
      train_(opened(spec_, dataset, data_root, Split::train)),
      test_(opened(spec_, dataset, data_root, Split::test)) {
  for (const Split split : {Split::train, Split::test}) {
    for (const std::string& line : store(split).left_out()) base::log_warning(base::concat(spec_.folder, ": ", line));
  }
  const auto found = std::ssize(train_.classes());
  spec_.classes = spec_.classes.value_or(found);
  if (found < 2) {
    throw base::EnvironmentError(base::concat(spec_.folder, "/train holds one class, ", train_.classes().front()),
                                 "a network learns to tell classes apart: a folder for each");
  }
  if (found != *spec_.classes) {
    throw base::ConfigError(base::concat("data set '", dataset, "' has ", found, " classes in ", spec_.folder,
                                         "/train, but dataset.classes is ", *spec_.classes),
                            base::concat("they are ", photos::some_of(train_.classes())));
  }
  if (train_.classes() != test_.classes()) {
    throw base::EnvironmentError(base::concat(spec_.folder, ": train and val hold different classes, ",
                                              difference(train_.classes(), test_.classes())),
                                 "both hold one folder for each class");
  }
  if (!validation) return;
  std::vector<int64_t> labels(train_.size());
  for (int64_t i = 0; i < train_.size(); ++i) labels[i] = train_.label(i);
  division_ = divide(labels, *spec_.classes, *validation);
}

Preparation PhotoSet::preparation() const { return {{}, photo_mean(), photo_deviation(), train_.classes(), {}, {}}; }

int PhotoSet::loader_threads() const {
  constexpr int kMost = 32;  // each holds a batch
  return device_.is_cpu() ? 1 : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMost);
}

int64_t PhotoSet::size(Split split) const {
  if (split == Split::test) return test_.size();
  if (!division_) return split == Split::train ? train_.size() : 0;
  return std::ssize(split == Split::train ? division_->kept : division_->held_out);
}

int64_t PhotoSet::in_store(Split split, int64_t index) const {
  const int64_t sample = index % size(split);
  if (split == Split::test || !division_) return sample;
  return split == Split::train ? division_->kept[sample] : division_->held_out[sample];
}

Batch PhotoSet::batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const {
  if (split != Split::train) return delivered(decoded(split, seed, epoch, indices));
  return part(seed, epoch, indices, indices.empty() ? 0 : indices.front());
}

Batch PhotoSet::part(uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices, int64_t first) const {
  PhotoBatch batch = decoded(Split::train, seed, epoch, indices);
  const bool mixes = contains(spec_, PhotoAugmentation::mixup) || contains(spec_, PhotoAugmentation::cutmix);
  if (mixes) batch.mix(draw_mixture(spec_, RandomStream(seed, "mixture", epoch, first)), *spec_.classes);
  return delivered(std::move(batch));
}

Batch PhotoSet::delivered(PhotoBatch batch) const {
  if (device_.is_cpu()) return batch.finished();
  return {{}, {}, [batch = std::move(batch)] { return batch.finished(); }};
}

PhotoBatch PhotoSet::decoded(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const {
  const ImageStore& images = store(split);
  PhotoBatch batch(std::ssize(indices), spec_.size_px, device_);
  for (int64_t b = 0; b < std::ssize(indices); ++b) {
    const Sample sample{spec_, seed, epoch, indices[b]};
    const int64_t image = in_store(split, indices[b]);
    const bool training = split == Split::train;
    Pixels pixels = sample.pixels(images.bytes(image), images.name(image), training);
    if (training) sample.recolor(pixels);
    batch.put(b, pixels, images.label(image));
    if (!training || !contains(spec_, PhotoAugmentation::erase)) continue;
    const auto erasure = photos::draw_erasure(spec_.size_px, spec_.erase_probability, sample.random("erase"));
    if (erasure) batch.erase(b, erasure->box, erasure->noise);
  }
  return batch;
}

}  // namespace optdnn::data
