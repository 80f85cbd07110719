#include "optdnn/modules/conv_single.h"

#include "optdnn/modules/pre_activation.h"

namespace optdnn::modules {

namespace {

std::vector<ChainLayer> conv_single_layers(int64_t width) { return {{3, width}}; }

}  // namespace

Count ConvSingleSpec::count(int64_t width, const Extent& at) const {
  return count_pre_activation(width, conv_single_layers(width), activation, norm, at);
}

std::shared_ptr<Module> ConvSingleSpec::make(int64_t width, int64_t uses, Steps) const {
  return std::make_shared<PreActivation>(width, conv_single_layers(width), activation, norm, uses);
}

}  // namespace optdnn::modules
