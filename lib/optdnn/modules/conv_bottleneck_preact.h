// conv_bottleneck_preact: T(x) = Conv1x1 s Norm Conv3x3 s Norm Conv1x1 s Norm x, a quarter of the width inside, for
// images.     He et al. 2016b, arXiv 1603.05027
#pragma once

#include "optdnn/modules/convolutional_spec.h"

namespace optdnn::modules {

struct ConvBottleneckPreactSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_bottleneck_preact";
  static constexpr std::string_view kHelp =
      "1x1, 3x3, 1x1 convolutions, each after Norm-s, a quarter of the width inside";
  void check(int64_t width) const;
  Count count(int64_t width, const Extent& at) const { return count_from(width, width, at); }
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps) const { return make_from(width, width, uses); }
  // Of an argument that has a width of its own.
  Count count_from(int64_t inputs, int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make_from(int64_t inputs, int64_t width, int64_t uses) const;
};

}  // namespace optdnn::modules
