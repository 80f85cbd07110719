// What the YAML key `dataset` holds: one struct per data set, each with its list of fields.
// Sizes that cannot be, alone or together, are refused in task_size.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "optdnn/config/fields.h"
#include "optdnn/data/augment.h"
#include "optdnn/data/validation.h"
#include "optdnn/photos/photo_spec.h"

namespace optdnn::data {

// Drawn anew for every epoch, or one set drawn once from the seed.
enum class Samples { fresh, fixed };
const base::NameTable<Samples>& enum_names(Samples);

// What the image sets have in common.
struct ImageSpec : AugmentOptions {
  int64_t batch_size = 128;
  bool drop_last = false;
  std::optional<ValidationSpec> validation;

  template <class Fields>
  void fields(Fields& f) {
    f("batch_size", batch_size, config::between(1, 1 << 20), "images per iteration");
    f("drop_last", drop_last, "leave out the last batch of an epoch where it is smaller than the others");
    f("augment", augment, "list of crop, flip, cutout, erase, mixup; of training images only");
    f("crop_padding", crop_padding, config::between(0, 64), "pixels around the image that is cropped");
    f("crop_fill", crop_fill, "what those pixels are");
    f("cutout_size", cutout_size, config::between(1, 1024), "side of the square that is cut out, in pixels");
    f("erase_probability", erase_probability, config::between(0, 1), "how often a random rectangle is erased");
    f("mixup_alpha", mixup_alpha, config::between(0.05, 4), "both parameters of mixup's Beta distribution");
    f("validation", validation, "held out of the training set, stratified by class");
  }
};

struct Cifar10Spec : ImageSpec {
  static constexpr std::string_view kName = "cifar10";
  static constexpr std::string_view kHelp = "CIFAR-10: 50,000 + 10,000 colour images of 32 x 32, 10 classes";
};

enum class Cifar100Labels { fine, coarse };
const base::NameTable<Cifar100Labels>& enum_names(Cifar100Labels);

struct Cifar100Spec : ImageSpec {
  static constexpr std::string_view kName = "cifar100";
  static constexpr std::string_view kHelp = "CIFAR-100: 50,000 + 10,000 colour images of 32 x 32, 100 or 20 classes";
  Cifar100Labels labels = Cifar100Labels::fine;

  template <class Fields>
  void fields(Fields& f) {
    ImageSpec::fields(f);
    f("labels", labels, "the 100 fine or the 20 coarse classes");
  }
};

struct MnistSpec : ImageSpec {
  static constexpr std::string_view kName = "mnist";
  static constexpr std::string_view kHelp = "MNIST: 60,000 + 10,000 grey images of 28 x 28, 10 digits";
};

struct FashionMnistSpec : ImageSpec {
  static constexpr std::string_view kName = "fashion_mnist";
  static constexpr std::string_view kHelp =
      "Fashion-MNIST: 60,000 + 10,000 grey images of 28 x 28, 10 kinds of clothes";
};

struct GeneratedImagesSpec : ImageSpec {
  static constexpr std::string_view kName = "generated_images";
  static constexpr std::string_view kHelp =
      "random images around one random pattern per class, for smoke runs and tests";
  int64_t classes = 10;
  int64_t channels = 3;
  int64_t size_px = 32;
  int64_t train_images = 512;
  int64_t test_images = 256;
  double noise = 0.25;

  template <class Fields>
  void fields(Fields& f) {
    ImageSpec::fields(f);
    f("classes", classes, config::between(2, 1000), "number of classes");
    f("channels", channels, config::between(1, 64), "channels of an image");
    f("size_px", size_px, config::between(1, 1024), "height and width of an image");
    f("train_images", train_images, config::between(1, 1e6), "size of the training set");
    f("test_images", test_images, config::between(1, 1e6), "size of the test set");
    f("noise", noise, config::at_least(0),
      "standard deviation of the pixel noise, the patterns being uniform on [0, 1]");
  }
};

// What the tasks have in common. An epoch of fresh samples has iterations_per_epoch whole batches.
struct TaskSpec {
  Samples samples = Samples::fresh;
  int64_t iterations_per_epoch = 100;
  std::optional<ValidationSpec> validation;

  template <class Fields>
  void fields(Fields& f) {
    f("samples", samples, "fresh: new points in every iteration; fixed: one set, drawn once from the seed");
    f("iterations_per_epoch", iterations_per_epoch, config::between(1, 1e6),
      "batches that make an epoch of fresh samples");
    f("validation", validation, "more points of the same kind");
  }
};

struct NestedRingsSpec : TaskSpec {
  static constexpr std::string_view kName = "nested_rings";
  static constexpr std::string_view kHelp = "points on nested rings in the plane, classes alternate from ring to ring";
  int64_t rings = 4;
  int64_t points_per_ring = 2000;
  std::optional<int64_t> batch_size;
  double noise = 0.0;
  int64_t test_points_per_ring = 2000;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("rings", rings, config::between(2, 1000), "number of rings");
    f("points_per_ring", points_per_ring, config::between(1, 1e7),
      "points of each ring, per iteration when fresh, in the set when fixed");
    f("batch_size", batch_size, config::at_least(1), "points per iteration of a fixed set; default: the whole set");
    f("noise", noise, config::at_least(0), "standard deviation of a Gaussian added to both coordinates");
    f("test_points_per_ring", test_points_per_ring, config::between(1, 1e7), "points of each ring in the test set");
  }
};

struct ParitySpec : TaskSpec {
  static constexpr std::string_view kName = "parity";
  static constexpr std::string_view kHelp = "vertices of the cube {-1, 1}^d, class: sign of the product of coordinates";
  int64_t d = 4;
  std::optional<int64_t> relevant;
  std::optional<int64_t> points;
  double jitter = 0.1;
  std::optional<int64_t> batch_size;
  int64_t test_points = 4096;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("d", d, config::between(1, 1e5), "dimension of the cube");
    f("relevant", relevant, config::at_least(1),
      "the label is the product of the first so many coordinates; default: of all d");
    f("points", points, config::at_least(1),
      "vertices drawn at random, per iteration when fresh, in the set when fixed; default: all 2^d vertices");
    f("jitter", jitter, config::at_least(0), "standard deviation of a Gaussian added to every coordinate");
    f("batch_size", batch_size, config::at_least(1), "points per iteration of a fixed set; default: the whole set");
    f("test_points", test_points, config::between(1, 1 << 22), "points in the test set");
  }
};

struct TelgarskySpec : TaskSpec {
  static constexpr std::string_view kName = "telgarsky";
  static constexpr std::string_view kHelp = "regression of the tent map composed k times on [0, 1]: 2^k linear pieces";
  int64_t k = 3;
  int64_t points = 4096;
  int64_t batch_size = 1024;
  int64_t test_points = 16384;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("k", k, config::at_least(1), "how often the tent map is composed");
    f("points", points, config::at_least(1), "points of a fixed set");
    f("batch_size", batch_size, config::at_least(1), "points per iteration");
    f("test_points", test_points, config::between(1, 1 << 22), "points of the even grid that the test set is");
  }
};

struct Regression2018Spec : TaskSpec {
  Regression2018Spec() { samples = Samples::fixed; }
  static constexpr std::string_view kName = "regression_2018";
  static constexpr std::string_view kHelp = "pairs of independent N(0, I) vectors, the regression of the 2018 paper";
  int64_t d = 100;
  int64_t points = 10000;
  int64_t batch_size = 100;
  int64_t test_points = 10000;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("d", d, config::between(1, 1e5), "dimension of inputs and targets");
    f("points", points, config::at_least(1), "pairs of a fixed set");
    f("batch_size", batch_size, config::at_least(1), "pairs per iteration");
    f("test_points", test_points, config::between(1, 1 << 22), "pairs in the test set");
  }
};

// Photographs, of whose training set a part may be held out.
template <class Photos>
struct Divisible : Photos {
  std::optional<ValidationSpec> validation;

  template <class Fields>
  void fields(Fields& f) {
    Photos::fields(f);
    f("validation", validation, "held out of the training set, stratified by class");
  }
};

using DataSetSpec =
    std::variant<Cifar10Spec, Cifar100Spec, MnistSpec, FashionMnistSpec, GeneratedImagesSpec, NestedRingsSpec,
                 ParitySpec, TelgarskySpec, Regression2018Spec, Divisible<photos::ImageNetSpec>,
                 Divisible<photos::ImagenetteSpec>, Divisible<photos::ImageFolderSpec>>;

}  // namespace optdnn::data
