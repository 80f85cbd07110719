// Images held as uint8 on a device, with class labels; batches are augmented and normalised there.
#pragma once

#include <string>
#include <vector>

#include "optdnn/config/fields.h"
#include "optdnn/data/augment.h"
#include "optdnn/data/dataset.h"
#include "optdnn/data/validation.h"

namespace optdnn::data {

// Shapes: images_NCHW uint8, labels_N int64.
struct LabelledImages {
  torch::Tensor images_NCHW, labels_N;
};

// Per channel, of pixels on [0, 1].
struct ImageStatistics {
  std::vector<double> mean, std;
};

// Means of pixels / 255 by channel.
std::vector<double> channel_means(const torch::Tensor& images_NCHW);

// The keys of every set of this kind.
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

  int64_t per_iteration() const { return batch_size; }
};

class ImageSet : public DataSet {
 public:
  // Requires: images of one size; labels within 0 ... classes-1; statistics for every channel.
  // Errors: ConfigError if validation would take all of `train`.
  ImageSet(const LabelledImages& train, const LabelledImages& test, int64_t classes,
           std::vector<std::string> class_names, const ImageStatistics& statistics, AugmentOptions options,
           const torch::Device& device, const std::optional<ValidationSpec>& validation = {});

  DataShape shape() const override;
  int64_t size(Split split) const override;
  bool on_gpu() const override { return !train_.images_NCHW.device().is_cpu(); }
  std::vector<std::string> class_names() const override { return class_names_; }
  Preparation preparation() const override;
  Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const override;

 private:
  const LabelledImages& part(Split split) const {
    return split == Split::train ? train_ : split == Split::valid ? valid_ : test_;
  }
  Batch assembled(const LabelledImages& from, const std::vector<int64_t>& indices,
                  const std::vector<AugmentParameters>& parameters) const;
  Batch augmented_batch(uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const;

  LabelledImages train_, valid_, test_;  // valid_: no tensors without validation
  int64_t classes_;
  std::vector<std::string> class_names_;
  torch::Tensor black_C_, scale_C_;  // of pixels from 0 to 255
  AugmentOptions options_;
};

}  // namespace optdnn::data
