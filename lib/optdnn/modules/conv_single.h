// conv_single: T(x) = Conv3x3 s Norm x, for images, the layer of a dense block.     Huang et al. 2017, arXiv 1608.06993
#pragma once

#include "optdnn/modules/convolutional_spec.h"

namespace optdnn::modules {

struct ConvSingleSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_single";
  static constexpr std::string_view kHelp =
      "Norm-s-Conv3x3, for images: the layer of a dense block; one layer, so outside the theorem";
  Traits traits() const {
    Traits traits = ConvolutionalSpec::traits();
    traits.two_layer = false;
    return traits;
  }
  Count count(int64_t width, const Extent& at) const { return count_from(width, width, at); }
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps) const { return make_from(width, width, uses); }
  // Of an argument that has a width of its own.
  Count count_from(int64_t inputs, int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make_from(int64_t inputs, int64_t width, int64_t uses) const;
};

}  // namespace optdnn::modules
