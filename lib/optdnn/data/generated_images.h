// Images that need no file: class c has one random pattern, every image of the class is the pattern with Gaussian
// noise. Image i has class i mod classes; it is the same for every seed.
#pragma once

#include "optdnn/data/image_set.h"
#include "optdnn/data/specs.h"

namespace optdnn::data {

LabelledImages generate_images(const GeneratedImagesSpec& spec, Split split);

}  // namespace optdnn::data
