// Mixtures of a batch with itself in reverse order, as timm mixes: one lambda, one box for the whole batch, so that no
// image is decoded twice. Where mixup and cutmix are both named, each batch gets one of them, either as often.
//   mixup    lambda x + (1-lambda) x', lambda ~ Beta(alpha, alpha)   (Zhang et al. 2017)
//   cutmix   a box of 1-lambda of the area out of x'; lambda is then that of the box as cut   (Yun et al. 2019)
#pragma once

#include "optdnn/base/random.h"
#include "optdnn/data/augment.h"
#include "optdnn/data/dataset.h"
#include "optdnn/photos/photo_spec.h"

namespace optdnn::data {

struct Mixture {
  double lambda = 1.0;  // share of the image itself
  Box box;              // empty: mixup
};

// Requires: the spec names mixup or cutmix.
Mixture draw_mixture(const photos::PhotoSpec& spec, base::RandomStream random);

// Shapes: inputs_BCHW, targets_B class numbers -> inputs_BCHW, targets_BK.
Batch mixed(const Batch& batch, const Mixture& mixture, int64_t classes);

}  // namespace optdnn::data
