// The modules T by name. A spec is what the YAML key `module` holds; make_module builds one.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "optdnn/config/fields.h"
#include "optdnn/modules/activation.h"
#include "optdnn/modules/convnext.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/module.h"
#include "optdnn/modules/normalisation.h"
#include "optdnn/modules/sharing.h"
#include "optdnn/modules/transformer.h"

namespace optdnn::modules {

struct DenseTwoLayerSpec {
  static constexpr std::string_view kName = "dense_two_layer";
  static constexpr std::string_view kHelp = "W2 s(W1 x + b1) + b2, for vectors";
  int64_t hidden = 16;
  Activation activation = Activation::tanh;
  Sharing sharing = Sharing::per_step;
  std::optional<double> lipschitz = std::nullopt;

  template <class Fields>
  void fields(Fields& f) {
    f("hidden", hidden, config::between(1, 65536), "width of the hidden layer");
    f("activation", activation, "s");
    f("lipschitz", lipschitz, config::above(0), "largest Lipschitz constant, kept by spectral normalisation");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
};

// What the convolutional modules have in common.
struct ConvolutionalSpec {
  Activation activation = Activation::relu;
  NormKind norm = NormKind::batch;
  Sharing sharing = Sharing::per_step;

  template <class Fields>
  void fields(Fields& f) {
    f("activation", activation, "s");
    f("norm", norm, "normalisation before (preact) or after (postact) each convolution");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
};

struct ConvPreactSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_preact";
  static constexpr std::string_view kHelp = "Norm-s-Conv3x3-Norm-s-Conv3x3, for images";
};

struct ConvPostactSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_postact";
  static constexpr std::string_view kHelp = "Conv3x3-Norm-s-Conv3x3-Norm, for images";
};

struct ConvBottleneckPreactSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_bottleneck_preact";
  static constexpr std::string_view kHelp =
      "1x1, 3x3, 1x1 convolutions, each after Norm-s, a quarter of the width inside";
};

struct ConvSingleSpec : ConvolutionalSpec {
  static constexpr std::string_view kName = "conv_single";
  static constexpr std::string_view kHelp =
      "Norm-s-Conv3x3, for images: the layer of a dense block; one layer, so outside the theorem";
};

struct ImplicitConvSpec {
  static constexpr std::string_view kName = "implicit_conv";
  static constexpr std::string_view kHelp =
      "W2 s(GroupNorm(W1 x)) with normalised weights, for what an implicit rule solves for";
  Activation activation = Activation::relu;
  Normalisation normalisation = Normalisation::spectral;
  double lipschitz = 0.9;
  Sharing sharing = Sharing::per_step;

  template <class Fields>
  void fields(Fields& f) {
    f("activation", activation, "s");
    f("normalisation", normalisation, "of both convolutions");
    f("lipschitz", lipschitz, config::above(0), "largest Lipschitz constant of the module; spectral only");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
};

using ModuleSpec = std::variant<DenseTwoLayerSpec, ConvPreactSpec, ConvPostactSpec, ConvBottleneckPreactSpec,
                                ConvSingleSpec, ImplicitConvSpec, ConvNextSpec, TransformerSpec>;

// Errors: ConfigError if the width does not suit the module, or if the module is for images and the state is a vector.
void check_module(const ModuleSpec& spec, int64_t width, bool state_is_image);

// A module of `width` channels whose weights are used in `uses` of a stage's `steps`. Errors: those of check_module.
std::shared_ptr<Module> make_module(const ModuleSpec& spec, int64_t width, int64_t uses, bool state_is_image,
                                    Steps steps = {});

std::string_view module_name(const ModuleSpec& spec);
Sharing module_sharing(const ModuleSpec& spec);

// Whether T contains a two-layer network W2 s(W1 .), the theorem's condition on modules.
bool contains_two_layer_network(const ModuleSpec& spec);

// Whether the result for one sample depends on the others of its batch, as batch norm's does.
bool couples_samples(const ModuleSpec& spec);

// The largest Lipschitz constant the module can have, whatever its weights; nothing where there is none.
std::optional<double> lipschitz_bound(const ModuleSpec& spec);

}  // namespace optdnn::modules
