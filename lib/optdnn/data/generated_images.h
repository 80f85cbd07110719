// Images that need no file: class c has one random pattern, every image of the class is the pattern with Gaussian
// noise. Image i has class i mod classes; it is the same for every seed.
#pragma once

#include "optdnn/data/image_set.h"

namespace optdnn::data {

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

  DataShape shape() const { return {{channels, size_px, size_px}, classes, false}; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

LabelledImages generate_images(const GeneratedImagesSpec& spec, Split split);

}  // namespace optdnn::data
