// conv_postact: T(x) = Norm Conv3x3 s Norm Conv3x3 x, for images.     He et al. 2016, arXiv 1512.03385
#pragma once

#include "optdnn/modules/convolutional_spec.h"

namespace optdnn::modules {

struct ConvPostactSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_postact";
  static constexpr std::string_view kHelp = "Conv3x3-Norm-s-Conv3x3-Norm, for images";
  Count count(int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps steps) const;
};

}  // namespace optdnn::modules
