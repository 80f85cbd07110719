// Pillow's operations on RGB bytes, as timm's RandAugment and torchvision's colour jitter use them; equal to Pillow's
// to the last digit but where it rounds floating-point numbers (affine), there within 1.
#pragma once

#include <array>

#include "optdnn/photos/pixels.h"

namespace optdnn::photos {

void mirror(Pixels& image);  // left and right

// ImageOps
void auto_contrast(Pixels& image);
void equalize(Pixels& image);
void invert(Pixels& image);
void posterize(Pixels& image, int bits);      // keeps the highest `bits`, 0 ... 8
void solarize(Pixels& image, int threshold);  // inverts what is not below the threshold
void solarize_add(Pixels& image, int added);  // to what is below 128; timm's

// ImageEnhance: factor 1 leaves the image as it is, 0 makes it grey, flat, black or blurred.
void enhance_color(Pixels& image, double factor);
void enhance_contrast(Pixels& image, double factor);
void enhance_brightness(Pixels& image, double factor);
void enhance_sharpness(Pixels& image, double factor);

using Color = std::array<uint8_t, 3>;

// Output (x, y) is input (a x + b y + c, d x + e y + f), measured between pixels, bicubic; `fill` where that is
// outside.
using AffineMap = std::array<double, 6>;
void affine(Pixels& image, const AffineMap& map, const Color& fill);
// Counter-clockwise around the centre.
void rotate(Pixels& image, double degrees, const Color& fill);

}  // namespace optdnn::photos
