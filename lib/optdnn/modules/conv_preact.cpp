#include "optdnn/modules/conv_preact.h"

#include "optdnn/modules/pre_activation.h"

namespace optdnn::modules {

namespace {

std::vector<ChainLayer> conv_preact_layers(int64_t width) { return {{3, width}, {3, width}}; }

}  // namespace

Count ConvPreactSpec::count_from(int64_t inputs, int64_t width, const Extent& at) const {
  return count_pre_activation(inputs, conv_preact_layers(width), activation, norm, at);
}

std::shared_ptr<Module> ConvPreactSpec::make_from(int64_t inputs, int64_t width, int64_t uses) const {
  return std::make_shared<PreActivation>(inputs, conv_preact_layers(width), activation, norm, uses);
}

}  // namespace optdnn::modules
