#include "optdnn/data/generated_images.h"

#include <algorithm>
#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

LabelledImages generate_images(const GeneratedImagesSpec& spec, Split split) {
  const bool train = split == Split::train;
  const int64_t count = train ? spec.train_images : spec.test_images;
  const int64_t pixels = spec.channels * spec.size_px * spec.size_px;
  const int64_t most = std::max({spec.train_images, spec.test_images, spec.classes});
  if (most > (int64_t{1} << 30) / pixels) {
    throw base::ConfigError(base::concat("generated_images: ", base::with_thousands(most), " images of ",
                                         base::with_thousands(pixels), " bytes are too many"),
                            "lower size_px, channels or the number of images");
  }
  std::vector<std::vector<float>> patterns(spec.classes, std::vector<float>(pixels));
  for (int64_t c = 0; c < spec.classes; ++c) {
    base::RandomStream(0, "generated_images/pattern", 0, c).fill_uniform(patterns[c], 0.0f, 1.0f);
  }
  const base::StreamFamily streams(0, train ? "generated_images" : "generated_images/test");
  LabelledImages made{torch::empty({count, spec.channels, spec.size_px, spec.size_px}, torch::kUInt8),
                      torch::empty({count}, torch::kInt64)};
  uint8_t* pixel = made.images_NCHW.mutable_data_ptr<uint8_t>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = i % spec.classes;
    made.labels_N.mutable_data_ptr<int64_t>()[i] = label;
    base::RandomStream random = streams.sample(i);
    for (const float value : patterns[label]) {
      const double noisy = value + spec.noise * random.normal();
      *pixel++ = static_cast<uint8_t>(std::lround(255.0 * std::clamp(noisy, 0.0, 1.0)));
    }
  }
  return made;
}

std::unique_ptr<DataSet> GeneratedImagesSpec::make(const Place& place) const {
  const std::vector<double> half(channels, 0.5), quarter(channels, 0.25);
  return std::make_unique<ImageSet>(generate_images(*this, Split::train), generate_images(*this, Split::test), classes,
                                    std::vector<std::string>{}, ImageStatistics{half, quarter}, *this, place.device,
                                    validation);
}

}  // namespace optdnn::data
