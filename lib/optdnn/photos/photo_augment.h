// What happens to one training photograph. Every augmentation of sample i draws from the stream (seed, <augmentation>,
// epoch, i), as in augment.h.
//
//   crop          a box of `crop_area` of the image and of `crop_aspect`, resized    (Szegedy et al. 2015, torchvision)
//   flip          left and right swapped with probability 1/2
//   jitter        brightness, contrast and saturation by 1 +- jitter, in any order   (torchvision)
//   rand_augment  operations of timm's increasing list, each with probability 1/2    (Cubuk et al. 2020)
//   erase         a rectangle of 2-33 % becomes normal noise, after normalisation    (Zhong et al. 2017, timm's pixel)
#pragma once

#include <optional>
#include <vector>

#include "optdnn/base/random.h"
#include "optdnn/photos/image_ops.h"
#include "optdnn/photos/photo_spec.h"

namespace optdnn::photos {

bool contains(const PhotoSpec& spec, PhotoAugmentation augmentation);

// Ten boxes are tried; then the largest box in the middle whose aspect is allowed.
Rectangle draw_crop(const PhotoSpec& spec, int64_t width, int64_t height, base::RandomStream random);

void jitter_colors(Pixels& image, double jitter, base::RandomStream random);

struct AugmentOperation {
  std::string_view name;
  void (*apply)(Pixels& image, double magnitude, base::RandomStream& random);  // magnitude 0 ... 10
};
// timm's list, in its order.
const std::vector<AugmentOperation>& rand_augment_operations();
void rand_augment(Pixels& image, const RandAugmentSpec& spec, base::RandomStream random);

// What becomes noise: three numbers a pixel, row by row.
struct Erasure {
  Rectangle box;
  std::vector<float> noise;
};
std::optional<Erasure> draw_erasure(int64_t size_px, double probability, base::RandomStream random);

}  // namespace optdnn::photos
