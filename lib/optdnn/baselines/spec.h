// The baselines, which are no rule, as the YAML key `model` names them.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "optdnn/config/fields.h"
#include "optdnn/models/spec.h"
#include "optdnn/solvers/spec.h"

namespace optdnn::baselines {

using models::NetworkShape;

enum class Shortcut { a, b };
const base::NameTable<Shortcut>& enum_names(Shortcut);
enum class BlockOrder { post, pre };
const base::NameTable<BlockOrder>& enum_names(BlockOrder);

struct ResNetSpec {
  static constexpr std::string_view kName = "resnet";
  static constexpr std::string_view kHelp = "the published CIFAR ResNets, 6n+2 layers in three stages (He et al. 2016)";
  int64_t layers = 20;
  int64_t width = 16;
  Shortcut shortcut = Shortcut::a;
  BlockOrder order = BlockOrder::post;
  template <class Fields>
  void fields(Fields& f) {
    f("layers", layers, config::between(8, 6002), "weight layers, 6n+2");
    f("width", width, config::between(1, 4096), "channels of the first stage; doubled twice");
    f("shortcut", shortcut, "where a stage begins: a is padding, b a 1x1 convolution");
    f("order", order, "post: convolution, norm, activation; pre: norm, activation, convolution (He et al. 2016b)");
  }
};

struct WrnSpec {
  static constexpr std::string_view kName = "wrn";
  static constexpr std::string_view kHelp =
      "wide ResNets, 6n+4 layers in three stages of pre-activation blocks (Zagoruyko, Komodakis 2016)";
  int64_t layers = 28;
  int64_t widening = 10;
  double dropout = 0.0;
  template <class Fields>
  void fields(Fields& f) {
    f("layers", layers, config::between(10, 6004), "weight layers, 6n+4");
    f("widening", widening, config::between(1, 256), "the stages have 16, 32 and 64 times this many channels");
    f("dropout", dropout, config::at_least(0) & config::less_than(1),
      "probability of a zero between a block's convolutions");
  }
};

struct DenseNetSpec {
  static constexpr std::string_view kName = "densenet";
  static constexpr std::string_view kHelp =
      "the published DenseNets and DenseNets-BC for CIFAR, three dense blocks (Huang et al. 2017)";
  int64_t layers = 40;
  int64_t growth = 12;
  bool bottleneck = false;
  double compression = 1.0;
  bool memory_efficient = false;
  template <class Fields>
  void fields(Fields& f) {
    f("layers", layers, config::between(7, 6004), "weight layers, 3n+4, or 6n+4 with bottlenecks");
    f("growth", growth, config::between(1, 4096), "channels a layer adds");
    f("bottleneck", bottleneck, "a 1x1 convolution to 4 growth channels before each 3x3 (B)");
    f("compression", compression, config::above(0) & config::at_most(1),
      "share of the channels that a transition keeps (C: 0.5)");
    f("memory_efficient", memory_efficient,
      "layers are computed again on the way back, not kept: less memory, more time");
  }
};

struct MlpSpec {
  static constexpr std::string_view kName = "mlp";
  static constexpr std::string_view kHelp = "linear layers with an activation between them, no shortcut";
  int64_t depth = 3;
  int64_t width = 16;
  modules::Activation activation = modules::Activation::tanh;
  template <class Fields>
  void fields(Fields& f) {
    f("depth", depth, config::between(1, 10000), "hidden layers");
    f("width", width, config::between(1, 65536), "units of a hidden layer");
    f("activation", activation, "activation of the hidden layers");
  }
};

struct DenseMlpSpec {
  static constexpr std::string_view kName = "dense_mlp";
  static constexpr std::string_view kHelp = "DenseNet on vectors: every layer reads the input and all layers before it";
  int64_t depth = 3;
  int64_t growth = 16;
  modules::Activation activation = modules::Activation::tanh;
  template <class Fields>
  void fields(Fields& f) {
    f("depth", depth, config::between(1, 10000), "hidden layers");
    f("growth", growth, config::between(1, 65536), "units of a hidden layer, added to what the next one reads");
    f("activation", activation, "activation of the hidden layers");
  }
};

// The equilibrium networks are for images. Their convolutions start at N(0, 0.01^2), as published.
inline constexpr double kEquilibriumDeviation = 0.01;

struct DeqSpec {
  static constexpr std::string_view kName = "deq";
  static constexpr std::string_view kHelp =
      "an equilibrium network of one residual layer with GroupNorm (Bai et al. 2019; Kolter et al. 2020)";
  int64_t width = 48;
  int64_t hidden = 64;
  solvers::SolverSpec solver = solvers::AndersonSpec{};
  template <class Fields>
  void fields(Fields& f) {
    f("width", width, config::between(1, 4096), "channels of the state");
    f("hidden", hidden, config::between(1, 4096), "channels between the layer's two convolutions");
    f("solver", solver, "finds the equilibrium");
  }
};

struct PretrainSpec {
  static constexpr std::string_view kHelp = "the first passes of training, which run a few steps and no solve";
  int64_t passes = 3000;
  int64_t steps = 10;
  template <class Fields>
  void fields(Fields& f) {
    f("passes", passes, config::between(1, 1e9), "forward passes of training, one an iteration unless accumulated");
    f("steps", steps, config::between(1, 1000), "of the transformation, from zero");
  }
};

struct MdeqSpec {
  static constexpr std::string_view kName = "mdeq";
  static constexpr std::string_view kHelp = "a multi-scale equilibrium network (Bai et al. 2020)";
  std::vector<int64_t> width = {24, 24};
  int64_t expansion = 5;
  double dropout = 0.25;
  std::vector<int64_t> head_width = {8, 16};
  int64_t features = 200;
  std::optional<PretrainSpec> pretrain;
  solvers::SolverSpec solver = solvers::AndersonSpec{};
  template <class Fields>
  void fields(Fields& f) {
    f("width", width, config::between(1, 4096) & config::not_empty(),
      "channels of every scale, each half the height and width of the one before");
    f("expansion", expansion, config::between(1, 64), "times the width inside a scale's block");
    f("dropout", dropout, config::at_least(0) & config::less_than(1),
      "probability of a zero channel inside the blocks, the same in all steps of a solve");
    f("head_width", head_width, config::between(1, 4096) & config::not_empty(),
      "of every scale, inside the head's bottleneck blocks");
    f("features", features, config::between(1, 65536), "channels before the last linear map");
    f("pretrain", pretrain, "a few steps and no solve while training begins");
    f("solver", solver, "finds the equilibrium of all scales together");
  }
};

enum class Splitting { peaceman_rachford, forward_backward };
const base::NameTable<Splitting>& enum_names(Splitting);

struct MonDeqSpec {
  static constexpr std::string_view kName = "mondeq";
  static constexpr std::string_view kHelp =
      "a monotone operator equilibrium network of one convolution (Winston, Kolter 2020)";
  MonDeqSpec() {
    solvers::PicardSpec picard;
    picard.steps = 100;
    solver = picard;
  }
  int64_t width = 81;
  double margin = 1.0;
  Splitting splitting = Splitting::peaceman_rachford;
  double alpha = 1.0;
  solvers::SolverSpec solver;
  template <class Fields>
  void fields(Fields& f) {
    f("width", width, config::between(1, 1024), "channels of the state");
    f("margin", margin, config::above(0), "m: strong monotonicity of I - W");
    f("splitting", splitting, "the iteration whose fixed point is the equilibrium");
    f("alpha", alpha, config::above(0), "its step size; forward_backward converges for small ones only");
    f("solver", solver, "picard: the splitting as published; the others speed it up");
  }
};

using ModelSpec = std::variant<ResNetSpec, WrnSpec, DenseNetSpec, MlpSpec, DenseMlpSpec, DeqSpec, MdeqSpec, MonDeqSpec>;

}  // namespace optdnn::baselines
