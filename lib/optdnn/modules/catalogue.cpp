#include "optdnn/modules/catalogue.h"

#include "optdnn/base/errors.h"
#include "optdnn/modules/convolutional.h"
#include "optdnn/modules/dense_two_layer.h"
#include "optdnn/modules/implicit_conv.h"

namespace optdnn::modules {

const base::NameTable<Sharing>& enum_names(Sharing) {
  static const base::NameTable<Sharing> table(
      "sharings", {
                      {"per_step", "every step has weights of its own", Sharing::per_step},
                      {"shared", "all steps of a stage use the same weights", Sharing::shared},
                  });
  return table;
}

namespace {

std::shared_ptr<Module> build(const DenseTwoLayerSpec& spec, int64_t width, int64_t /*uses*/, Steps) {
  return std::make_shared<DenseTwoLayer>(width, spec.hidden, spec.activation, spec.lipschitz);
}

std::shared_ptr<Module> build(const ConvPreactSpec& spec, int64_t width, int64_t uses, Steps) {
  return std::make_shared<ConvPreact>(width, std::vector<int64_t>{3, 3}, std::vector<int64_t>{width, width},
                                      spec.activation, spec.norm, uses);
}

std::shared_ptr<Module> build(const ConvPostactSpec& spec, int64_t width, int64_t uses, Steps) {
  return std::make_shared<ConvPostact>(width, spec.activation, spec.norm, uses);
}

std::shared_ptr<Module> build(const ConvBottleneckPreactSpec& spec, int64_t width, int64_t uses, Steps) {
  return std::make_shared<ConvPreact>(width, std::vector<int64_t>{1, 3, 1},
                                      std::vector<int64_t>{width / 4, width / 4, width}, spec.activation, spec.norm,
                                      uses);
}

std::shared_ptr<Module> build(const ConvSingleSpec& spec, int64_t width, int64_t uses, Steps) {
  return std::make_shared<ConvPreact>(width, std::vector<int64_t>{3}, std::vector<int64_t>{width}, spec.activation,
                                      spec.norm, uses);
}

std::shared_ptr<Module> build(const ImplicitConvSpec& spec, int64_t width, int64_t /*uses*/, Steps) {
  return std::make_shared<ImplicitConv>(width, spec.activation, spec.normalisation, spec.lipschitz);
}

std::shared_ptr<Module> build(const ConvNextSpec& spec, int64_t width, int64_t, Steps steps) {
  return std::make_shared<ConvNext>(spec, width, steps);
}

std::shared_ptr<Module> build(const TransformerSpec& spec, int64_t width, int64_t, Steps steps) {
  return std::make_shared<Transformer>(spec, width, steps);
}

}  // namespace

void check_module(const ModuleSpec& spec, int64_t width, bool state_is_image) {
  const bool for_images = !std::holds_alternative<DenseTwoLayerSpec>(spec);
  if (for_images != state_is_image) {
    throw base::ConfigError(
        base::concat("module '", module_name(spec), "' works on ", for_images ? "images" : "vectors",
                     ", but the state is ", state_is_image ? "an image" : "a vector"),
        for_images ? "for vectors: dense_two_layer" : "for images: conv_preact, conv_postact");
  }
  if (std::holds_alternative<ConvBottleneckPreactSpec>(spec) && width % 4 != 0) {
    throw base::ConfigError(
        base::concat("module 'conv_bottleneck_preact' wants a width that is a multiple of 4, not ", width));
  }
  const auto* convnext = std::get_if<ConvNextSpec>(&spec);
  if (convnext && convnext->kernel_px % 2 == 0) {
    throw base::ConfigError(base::concat("module 'convnext' wants an odd kernel_px, not ", convnext->kernel_px));
  }
  const auto* transformer = std::get_if<TransformerSpec>(&spec);
  if (transformer && width % transformer->heads != 0) {
    throw base::ConfigError(base::concat("module 'transformer' wants a width that is a multiple of its ",
                                         transformer->heads, " heads, not ", width));
  }
}

std::shared_ptr<Module> make_module(const ModuleSpec& spec, int64_t width, int64_t uses, bool state_is_image,
                                    Steps steps) {
  check_module(spec, width, state_is_image);
  return std::visit([&](const auto& chosen) { return build(chosen, width, uses, steps); }, spec);
}

std::string_view module_name(const ModuleSpec& spec) {
  return std::visit([](const auto& chosen) { return std::decay_t<decltype(chosen)>::kName; }, spec);
}

Sharing module_sharing(const ModuleSpec& spec) {
  return std::visit([](const auto& chosen) { return chosen.sharing; }, spec);
}

// All but the single convolution do: two affine or convolutional layers with an activation between them, of a hidden
// width that is free (dense) or grows with the state's. Norms stand between layers, as the theorem allows.
bool contains_two_layer_network(const ModuleSpec& spec) { return !std::holds_alternative<ConvSingleSpec>(spec); }

bool couples_samples(const ModuleSpec& spec) {
  return std::visit(
      [](const auto& chosen) {
        if constexpr (requires { chosen.norm; }) return chosen.norm == NormKind::batch;
        return false;
      },
      spec);
}

std::optional<double> lipschitz_bound(const ModuleSpec& spec) {
  if (const auto* dense = std::get_if<DenseTwoLayerSpec>(&spec)) return dense->lipschitz;
  const auto* conv = std::get_if<ImplicitConvSpec>(&spec);
  if (conv && conv->normalisation == Normalisation::spectral) return conv->lipschitz;
  return std::nullopt;
}

}  // namespace optdnn::modules
