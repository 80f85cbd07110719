// PNG as RGB, alpha left out as Pillow does. (One training image of ImageNet is a PNG by the name of a JPEG.) Texts,
// profiles and whatever else stands beside the pixels is passed over, of any size and number. Deviation: grey of 16
// bits keeps its upper 8, as colours do; Pillow cuts it off at 255 of 65535.
#pragma once

#include <string>
#include <string_view>

#include "optdnn/photos/pixels.h"

namespace optdnn::photos {

bool is_png(std::string_view bytes);

// Errors: EnvironmentError naming `place`.
Pixels decode_png(std::string_view bytes, const std::string& place);

}  // namespace optdnn::photos
