// What a network is made from, as the YAML names it: modules, depth, width, and what stands before, between and after.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "optdnn/config/fields.h"
#include "optdnn/models/compression.h"
#include "optdnn/models/patch_specs.h"
#include "optdnn/modules/catalogue.h"

namespace optdnn::models {

// --- before the first stage: the input becomes the state ---

struct ConvStem {
  static constexpr std::string_view kName = "conv";
  static constexpr std::string_view kHelp = "one convolution to the first width, for images";
  int64_t kernel_px = 3;
  int64_t stride = 1;
  template <class Fields>
  void fields(Fields& f) {
    f("kernel_px", kernel_px, config::between(1, 31), "size of the kernel");
    f("stride", stride, config::between(1, 31), "step of the kernel");
  }
};

struct LinearStem {
  static constexpr std::string_view kName = "linear";
  static constexpr std::string_view kHelp = "one linear map to the first width, for vectors";
  template <class Fields>
  void fields(Fields&) {}
};

struct IdentityStem {
  static constexpr std::string_view kName = "identity";
  static constexpr std::string_view kHelp = "the state is the input";
  template <class Fields>
  void fields(Fields&) {}
};

struct ZeroPadStem {
  static constexpr std::string_view kName = "zero_pad";
  static constexpr std::string_view kHelp = "the input with zeros appended up to the first width, for vectors";
  template <class Fields>
  void fields(Fields&) {}
};

using StemSpec = std::variant<ConvStem, LinearStem, IdentityStem, ZeroPadStem, PatchifyStem, ClassTokenStem>;

// --- between stages ---

const base::NameTable<StateAcross>& enum_names(StateAcross);

struct TransitionFields {
  StateAcross state = StateAcross::restart;
  template <class Fields>
  void fields(Fields& f) {
    f("state", state,
      "restart: the rule begins anew at the stage's input; carry: k goes on, every block is mapped alike");
  }
};

struct PadTransition : TransitionFields {
  static constexpr std::string_view kName = "pad";
  static constexpr std::string_view kHelp = "every second pixel, new channels zero (option A)";
};

struct ConvTransition : TransitionFields {
  static constexpr std::string_view kName = "conv";
  static constexpr std::string_view kHelp =
      "one 1x1 convolution of stride 2 without bias (for vectors: one linear map)";
};

// The DenseNet setting. A stage's width is its growth rate, and what leaves a stage, for the next one or for the head,
// is all its iterates x[0] ... x[depth] side by side; so a transition compresses (depth+1) width channels to the next
// width, or with a number as `compression` to that share of what the stage hands on.
struct DenseTransition {
  static constexpr std::string_view kName = "dense";
  static constexpr std::string_view kHelp =
      "the DenseNet setting: a stage hands on all its iterates side by side; norm, relu, a 1x1 convolution to the next "
      "width and the mean of 2x2 (for vectors: one linear map) lead to x[0] of the next";
  static constexpr StateAcross state = StateAcross::restart;
  Compression compression;
  template <class Fields>
  void fields(Fields& f) {
    f("compression", compression,
      "channels that are kept: the next growth rate, or a share; x[0] then has a width of its own, 16 at first");
  }
};

using TransitionSpec = std::variant<PadTransition, ConvTransition, DenseTransition, NormConvTransition>;

// --- after the last stage ---

struct PoolLinearHead {
  static constexpr std::string_view kName = "pool_linear";
  static constexpr std::string_view kHelp = "norm, activation, global average pool, linear, for images";
  modules::NormKind norm = modules::NormKind::batch;
  modules::Activation activation = modules::Activation::relu;
  template <class Fields>
  void fields(Fields& f) {
    f("norm", norm, "normalisation before the pool; none also leaves out the activation");
    f("activation", activation, "activation after the norm");
  }
};

struct LinearHead {
  static constexpr std::string_view kName = "linear";
  static constexpr std::string_view kHelp = "one linear map, for vectors";
  template <class Fields>
  void fields(Fields&) {}
};

struct ReadStateHead {
  static constexpr std::string_view kName = "read_state";
  static constexpr std::string_view kHelp = "the first components of the state are the outputs, for vectors";
  template <class Fields>
  void fields(Fields&) {}
};

using HeadSpec = std::variant<PoolLinearHead, LinearHead, ReadStateHead, PoolNormLinearHead, ClassTokenHead>;

// --- initial weights ---

struct InitSpec {
  static constexpr std::string_view kHelp = "initial weights";
  double scale = 1.0;
  std::optional<std::string> from;
  template <class Fields>
  void fields(Fields& f) {
    f("from", from, config::not_empty(),
      "a safetensors file to begin at, by our names or timm's; a head for other classes is drawn anew");
    f("scale", scale, config::at_least(0), "multiplies the last layer of every T");
  }
};

// The shapes a network stands between, as plain numbers.
struct NetworkShape {
  std::vector<int64_t> input;  // {channels, height, width} of an image, or {size} of a vector
  int64_t outputs = 0;         // classes, or dimensions of a regression
  bool is_image() const { return input.size() == 3; }
};

}  // namespace optdnn::models
