// Augmentation of image batches, as few tensor operations on the device the images live on. The parameters of sample i
// come from the streams (seed, <augmentation>, epoch, i), each augmentation from its own: adding one leaves the others
// as they were, and a batch split in two gives the same images.
//
//   crop     a window of the image's size out of the image with `crop_padding` pixels around it: black, the mean of
//            the data set, or the image mirrored at its edge without repeating it, as `crop_fill` says
//   flip     left and right swapped with probability 1/2
//   cutout   a square of side `cutout_size`, centred anywhere, set to the mean    (DeVries, Taylor 2017)
//   erase    with probability `erase_probability` a rectangle of 2-33 % of the area and aspect 0.3-3.3 set to
//            the mean                                                             (Zhong et al. 2017)
//   mixup    lambda x + (1-lambda) x', lambda from Beta(alpha, alpha), x' another sample of the training set;
//            targets mix likewise                                                 (Zhang et al. 2017)
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "optdnn/base/names.h"
#include "optdnn/base/random.h"

namespace optdnn::data {

enum class Augmentation { crop, flip, cutout, erase, mixup };
const base::NameTable<Augmentation>& enum_names(Augmentation);

enum class CropFill { black, mean, reflect };
const base::NameTable<CropFill>& enum_names(CropFill);

struct AugmentOptions {
  std::vector<Augmentation> augment;
  int64_t crop_padding = 4;  // pixels
  CropFill crop_fill = CropFill::black;
  int64_t cutout_size = 16;  // pixels
  double erase_probability = 0.25;
  double mixup_alpha = 1.0;
};

// Rows top ... bottom-1 and columns left ... right-1; empty by default.
struct Box {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

// What happens to one image: output pixel (y, x) is input pixel (y + shift_y, x' + shift_x), filled outside, where x'
// is x, or counted from the right if flipped; then both boxes are blanked.
struct AugmentParameters {
  int64_t shift_y = 0, shift_x = 0;
  bool flip = false;
  Box cut, erased;
};

struct MixupPartner {
  int64_t sample = 0;
  double weight = 1.0;  // lambda, of the image itself
};

bool contains(const AugmentOptions& options, Augmentation augmentation);
AugmentParameters draw_augmentation(const AugmentOptions& options, int64_t height, int64_t width, uint64_t seed,
                                    int64_t epoch, int64_t sample);

// Beta(alpha, alpha).
double draw_beta(double alpha, base::RandomStream& random);

// Another (or, rarely, the same) sample of `samples`, and lambda.
MixupPartner draw_mixup(double alpha, int64_t samples, uint64_t seed, int64_t epoch, int64_t sample);

// The images `samples` of a set, augmented and normalised: (pixel - black_C) * scale_C, and 0 in the boxes.
// Shapes: images_NCHW uint8, black_C and scale_C float32, all on one device -> BCHW float32 there.
// Requires: one entry of `parameters` per entry of `samples`, or none for images as they are.
torch::Tensor augmented(const torch::Tensor& images_NCHW, const std::vector<int64_t>& samples,
                        const std::vector<AugmentParameters>& parameters, const torch::Tensor& black_C,
                        const torch::Tensor& scale_C, CropFill fill = CropFill::black);

}  // namespace optdnn::data
