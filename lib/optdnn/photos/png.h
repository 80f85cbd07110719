// PNG as RGB, alpha left out as Pillow does. (One training image of ImageNet is a PNG by the name of a JPEG.)
#pragma once

#include <string>
#include <string_view>

#include "optdnn/photos/pixels.h"

namespace optdnn::photos {

bool is_png(std::string_view bytes);

// Errors: EnvironmentError naming `place`.
Pixels decode_png(std::string_view bytes, const std::string& place);

}  // namespace optdnn::photos
