#include "optdnn/modules/conv_bottleneck_preact.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/modules/pre_activation.h"

namespace optdnn::modules {

namespace {

std::vector<ChainLayer> conv_bottleneck_preact_layers(int64_t width) {
  return {{1, width / 4}, {3, width / 4}, {1, width}};
}

}  // namespace

void ConvBottleneckPreactSpec::check(int64_t width) const {
  if (width % 4 == 0) return;
  throw base::ConfigError(base::concat("module '", kName, "' wants a width that is a multiple of 4, not ", width));
}

Count ConvBottleneckPreactSpec::count_from(int64_t inputs, int64_t width, const Extent& at) const {
  return count_pre_activation(inputs, conv_bottleneck_preact_layers(width), activation, norm, at);
}

std::shared_ptr<Module> ConvBottleneckPreactSpec::make_from(int64_t inputs, int64_t width, int64_t uses) const {
  return std::make_shared<PreActivation>(inputs, conv_bottleneck_preact_layers(width), activation, norm, uses);
}

}  // namespace optdnn::modules
