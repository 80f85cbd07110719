// The modules T by name: one header and one alternative of the variant each. A spec is what the YAML key `module`
// holds.
//   kName, kHelp, fields()      the name, a line of help, the keys
//   Sharing sharing             whose weights a step uses
//   traits()                    what holds of it (traits.h)
//   check(width)                Errors: ConfigError if the width does not suit it
//   count(width, extent)        what one use of it costs (count.h)
//   make(width, uses, steps)    the module, whose weights are used in `uses` of a stage's `steps`
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "optdnn/modules/conv_bottleneck_preact.h"
#include "optdnn/modules/conv_postact.h"
#include "optdnn/modules/conv_preact.h"
#include "optdnn/modules/conv_single.h"
#include "optdnn/modules/convnext.h"
#include "optdnn/modules/dense_two_layer.h"
#include "optdnn/modules/implicit_conv.h"
#include "optdnn/modules/layer_list.h"
#include "optdnn/modules/transformer.h"

namespace optdnn::modules {

using ModuleSpec = std::variant<DenseTwoLayerSpec, ConvPreactSpec, ConvPostactSpec, ConvBottleneckPreactSpec,
                                ConvSingleSpec, ImplicitConvSpec, ConvNextSpec, TransformerSpec, LayersSpec>;

std::string_view module_name(const ModuleSpec& spec);
Sharing module_sharing(const ModuleSpec& spec);
Traits module_traits(const ModuleSpec& spec);

// Errors: ConfigError if the width does not suit the module, or if the module is for images and the state is a vector.
void check_module(const ModuleSpec& spec, int64_t width, bool state_is_image);

// A module of `width` channels whose weights are used in `uses` of a stage's `steps`. Errors: those of check_module;
// and if its argument has other `inputs` channels, which only modules of convolutions that begin with a norm take.
std::shared_ptr<Module> make_module(const ModuleSpec& spec, int64_t width, int64_t uses, bool state_is_image,
                                    Steps steps = {}, std::optional<int64_t> inputs = {});

// One set of weights, one use. Requires a module that fits.
Count count_module(const ModuleSpec& spec, int64_t width, const Extent& at, std::optional<int64_t> inputs = {});

}  // namespace optdnn::modules
