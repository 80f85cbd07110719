// layers: T as a list of layers of one's own, from the state to a change of the state.
//
//   module: {name: layers, layers: [norm, relu, {conv: {kernel_px: 3, channels: 32}}, norm, relu, conv]}
//   module: {name: layers, layers: [{linear: {width: 64}}, tanh, {linear: {width: 64}}, tanh, linear]}
//
// A layer is `norm` (batch; or {norm: group}), an activation by its name, `conv` (3 x 3, "same" padding, a bias
// where it is depthwise; {conv: {kernel_px, channels | times, depthwise}}) or `linear` ({linear: {width | times}}).
// What names no size has the state's, `times: 4` is four times that; the last convolution or linear layer has the
// state's width.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "optdnn/config/fields.h"
#include "optdnn/modules/count.h"
#include "optdnn/modules/module.h"
#include "optdnn/modules/sharing.h"
#include "optdnn/modules/traits.h"

namespace optdnn::modules {

struct ConvLayerSpec {
  int64_t kernel_px = 3;
  std::optional<int64_t> channels, times;
  bool depthwise = false;

  template <class Fields>
  void fields(Fields& f) {
    f("kernel_px", kernel_px, config::between(1, 63), "side of the kernel, odd");
    f("channels", channels, config::between(1, 65536), "of the output; default: the state's");
    f("times", times, config::between(1, 64), "instead of channels: so many times the state's");
    f("depthwise", depthwise, "each channel by itself");
  }
  void check(config::Checker& c) const;
};

struct LinearLayerSpec {
  std::optional<int64_t> width, times;

  template <class Fields>
  void fields(Fields& f) {
    f("width", width, config::between(1, 65536), "of the output; default: the state's");
    f("times", times, config::between(1, 64), "instead of width: so many times the state's");
  }
  void check(config::Checker& c) const;
};

// Exactly one of them.
struct ListedLayer {
  std::optional<NormKind> norm;
  std::optional<Activation> activation;
  std::optional<ConvLayerSpec> conv;
  std::optional<LinearLayerSpec> linear;

  bool is_affine() const { return conv || linear; }
  // Of the output of a convolution or linear layer, in a state of that width.
  int64_t outputs(int64_t width) const;
};
void read_value(config::Reader& reader, const config::Node& node, ListedLayer& layer);
config::Node dump_value(const ListedLayer& layer);
nlohmann::json schema_value(const ListedLayer&);
std::string type_text(const ListedLayer&);

struct LayersSpec {
  static constexpr std::string_view kName = "layers";
  static constexpr std::string_view kHelp = "layers of your own, for images or for vectors";
  std::vector<ListedLayer> layers = preactivated();
  Sharing sharing = Sharing::per_step;

  template <class Fields>
  void fields(Fields& f) {
    f.required("layers", layers, config::not_empty(),
               "in their order: norm, an activation's name, conv or linear; the last two also with a map of sizes");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
  void check(config::Checker& c) const;

  // Those of conv_preact.
  static std::vector<ListedLayer> preactivated();

  // Two layers: between two affine ones stands an activation, nothing but norms follows the last, and of vectors no
  // activation comes before the first.
  Traits traits() const;
  void check(int64_t width) const;
  Count count(int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps steps) const;
};

}  // namespace optdnn::modules
