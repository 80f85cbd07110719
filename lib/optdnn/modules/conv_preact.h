// conv_preact: T(x) = Conv3x3 s Norm Conv3x3 s Norm x, for images.     He et al. 2016b, arXiv 1603.05027
#pragma once

#include "optdnn/modules/convolutional_spec.h"

namespace optdnn::modules {

struct ConvPreactSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_preact";
  static constexpr std::string_view kHelp = "Norm-s-Conv3x3-Norm-s-Conv3x3, for images";
  Count count(int64_t width, const Extent& at) const { return count_from(width, width, at); }
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps) const { return make_from(width, width, uses); }
  // Of an argument that has a width of its own.
  Count count_from(int64_t inputs, int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make_from(int64_t inputs, int64_t width, int64_t uses) const;
};

}  // namespace optdnn::modules
