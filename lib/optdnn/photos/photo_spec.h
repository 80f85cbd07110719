// Photographs in the ImageNet layout: what the YAML keys of `imagenet`, `imagenette` and `image_folder` hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "optdnn/config/fields.h"

namespace optdnn::photos {

enum class PhotoAugmentation { crop, flip, jitter, rand_augment, erase, mixup, cutmix };
const base::NameTable<PhotoAugmentation>& enum_names(PhotoAugmentation);

// timm's rand-m<magnitude>-n<operations>-mstd<deviation>-inc1.
struct RandAugmentSpec {
  static constexpr std::string_view kHelp =
      "RandAugment, each operation done every other time (Cubuk et al. 2020, timm)";
  int64_t operations = 2;
  double magnitude = 9.0;
  double deviation = 0.5;
  template <class Fields>
  void fields(Fields& f) {
    f("operations", operations, config::between(1, 16), "operations drawn for an image");
    f("magnitude", magnitude, config::between(0, 10), "strength");
    f("deviation", deviation, config::between(0, 10), "standard deviation of the strength, drawn anew each time");
  }
};

struct PhotoSpec {
  std::string folder;
  std::optional<int64_t> classes;
  int64_t batch_size = 128;
  bool drop_last = false;
  int64_t size_px = 224;
  int64_t resize_px = 256;
  std::vector<PhotoAugmentation> augment;
  std::pair<double, double> crop_area = {0.08, 1.0};
  std::pair<double, double> crop_aspect = {0.75, 4.0 / 3.0};
  double jitter = 0.4;
  RandAugmentSpec rand_augment;
  double erase_probability = 0.25;
  double mixup_alpha = 0.8;
  double cutmix_alpha = 1.0;
  int64_t repeats = 1;
  bool scaled_decode = false;

  template <class Fields>
  void fields(Fields& f) {
    f("folder", folder, config::not_empty(),
      "below the data folder: a folder {train,val}/<class>/<image>, or the beginning of the names of its tar archives");
    f("classes", classes, config::between(2, 1000000),
      "number of classes; default, of image_folder: as many as there are");
    f("batch_size", batch_size, config::between(1, 1 << 20), "images per iteration");
    f("drop_last", drop_last, "leave out the last batch of an epoch where it is smaller than the others");
    f("size_px", size_px, config::between(8, 4096), "height and width of the network's input");
    f("resize_px", resize_px, config::between(8, 8192), "shorter side of a test image before its middle is cut out");
    f("augment", augment, "list of crop, flip, jitter, rand_augment, erase, mixup, cutmix; of training images only");
    f("crop_area", crop_area, config::above(0) & config::at_most(1), "[low, high]: share of the image that is cropped");
    f("crop_aspect", crop_aspect, config::above(0), "[low, high]: width by height of the crop");
    f("jitter", jitter, config::between(0, 1), "largest change of brightness, contrast and saturation");
    f("rand_augment", rand_augment, "how strongly rand_augment works");
    f("erase_probability", erase_probability, config::between(0, 1), "how often a rectangle becomes noise");
    f("mixup_alpha", mixup_alpha, config::between(0.05, 4), "both parameters of mixup's Beta distribution");
    f("cutmix_alpha", cutmix_alpha, config::between(0.05, 4), "both parameters of cutmix's Beta distribution");
    f("repeats", repeats, config::between(1, 16),
      "times an image stands in an epoch, augmented differently; an epoch keeps its length");
    f("scaled_decode", scaled_decode, "decode large crops at 1/2, 1/4 or 1/8, which is faster and not quite the same");
  }
  void check(config::Checker& checker) const;
};

struct ImageNetSpec : PhotoSpec {
  ImageNetSpec() {
    folder = "imagenet";
    classes = 1000;
  }
  static constexpr std::string_view kName = "imagenet";
  static constexpr std::string_view kHelp = "ImageNet-1k: 1.28 million photographs, 1000 classes";
};

struct ImagenetteSpec : PhotoSpec {
  ImagenetteSpec() {
    folder = "imagenette-160";
    classes = 10;
  }
  static constexpr std::string_view kName = "imagenette";
  static constexpr std::string_view kHelp =
      "Imagenette at 160 pixels: 9,469 + 3,925 photographs of 10 classes of ImageNet";
};

struct ImageFolderSpec : PhotoSpec {
  ImageFolderSpec() { folder = "images"; }
  static constexpr std::string_view kName = "image_folder";
  static constexpr std::string_view kHelp = "photographs of your own in the layout {train,val}/<class>/<image>";
};

}  // namespace optdnn::photos
