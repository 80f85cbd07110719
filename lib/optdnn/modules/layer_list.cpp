#include "optdnn/modules/layer_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "optdnn/base/errors.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/reader.h"
#include "optdnn/config/schema.h"
#include "optdnn/modules/vision_layers.h"

namespace optdnn::modules {

using base::concat;
using torch::Tensor;

namespace {

const std::vector<std::string>& layer_words() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> all = {"norm", "conv", "linear"};
    for (const std::string& name : enum_names(Activation{}).names()) all.push_back(name);
    return all;
  }();
  return words;
}

void read_word(config::Reader& reader, const config::Node& node, ListedLayer& layer) {
  const Activation* activation = enum_names(Activation{}).find(node.text());
  if (node.text() == "norm") {
    layer.norm = NormKind::batch;
  } else if (node.text() == "conv") {
    layer.conv.emplace();
  } else if (node.text() == "linear") {
    layer.linear.emplace();
  } else if (activation) {
    layer.activation = *activation;
  } else {
    reader.error(node, concat("unknown layer '", node.text(), "'"),
                 base::suggestion(node.text(), layer_words(), "layers"));
  }
}

int64_t sized(const std::optional<int64_t>& given, const std::optional<int64_t>& times, int64_t width) {
  return given ? *given : times.value_or(1) * width;
}

}  // namespace

void ConvLayerSpec::check(config::Checker& c) const {
  if (kernel_px % 2 == 0) c.error("kernel_px", "kernel_px must be odd, so that the image keeps its size");
  if (channels && times) c.error("times", "a layer wants one of channels and times");
  if (depthwise && (channels || times)) c.error("depthwise", "a depthwise layer keeps the number of its channels");
}

void LinearLayerSpec::check(config::Checker& c) const {
  if (width && times) c.error("times", "a layer wants one of width and times");
}

int64_t ListedLayer::outputs(int64_t state) const {
  return conv ? sized(conv->channels, conv->times, state) : sized(linear->width, linear->times, state);
}

void read_value(config::Reader& reader, const config::Node& node, ListedLayer& layer) {
  layer = {};
  if (node.is_scalar()) return read_word(reader, node, layer);
  if (!node.is_map() || node.entries().size() != 1) {
    return reader.error(node, "a layer is one word, or a map of one key", "{conv: {kernel_px: 3, channels: 32}}");
  }
  const auto& [key, key_span, value] = node.entries().front();
  if (key == "norm") {
    reader.read(value, layer.norm);
  } else if (key == "conv") {
    reader.read(value, layer.conv);
  } else if (key == "linear") {
    reader.read(value, layer.linear);
  } else {
    reader.diagnostics().error(key_span, concat("unknown layer '", key, "'"),
                               base::suggestion(key, layer_words(), "layers"));
  }
}

config::Node dump_value(const ListedLayer& layer) {
  if (layer.activation) return config::dump(*layer.activation);
  const auto map = [](const char* key, config::Node value) { return config::Node::map({{key, {}, std::move(value)}}); };
  if (layer.conv) return map("conv", config::dump(*layer.conv));
  if (layer.linear) return map("linear", config::dump(*layer.linear));
  return map("norm", config::dump(layer.norm.value_or(NormKind::none)));
}

nlohmann::json schema_value(const ListedLayer&) {
  const auto map = [](const char* key, nlohmann::json value) {
    return config::object_schema({{key, std::move(value)}}, nlohmann::json::array({key}));
  };
  return {{"oneOf",
           {{{"enum", layer_words()}},
            map("norm", config::value_schema<NormKind>()),
            map("conv", config::value_schema<ConvLayerSpec>()),
            map("linear", config::value_schema<LinearLayerSpec>())}}};
}

std::string type_text(const ListedLayer&) { return "norm, an activation, conv or linear"; }

std::vector<ListedLayer> LayersSpec::preactivated() {
  ListedLayer norm, relu, conv;
  norm.norm = NormKind::batch;
  relu.activation = Activation::relu;
  conv.conv.emplace();
  return {norm, relu, conv, norm, relu, conv};
}

void LayersSpec::check(config::Checker& c) const {
  const auto has = [&](auto what) { return std::any_of(layers.begin(), layers.end(), what); };
  const bool convs = has([](const ListedLayer& l) { return l.conv.has_value(); });
  const bool linears = has([](const ListedLayer& l) { return l.linear.has_value(); });
  if (convs == linears) {
    c.error("layers",
            convs ? "conv is for images and linear for vectors: a module has one of them"
                  : "a module wants at least one layer with weights",
            convs ? "of images, {conv: {kernel_px: 1}} is linear in each pixel" : "conv, or linear for vectors");
  }
  if (linears && has([](const ListedLayer& l) { return l.norm.has_value(); })) {
    c.error("layers", "norms are for images; of vectors, all seeds train as one network without them");
  }
}

Traits LayersSpec::traits() const {
  Traits traits{.on_images = false, .two_layer = false};
  bool affine = false, activated = false, activated_first = false;
  for (const ListedLayer& layer : layers) {
    traits.on_images |= layer.conv.has_value();
    traits.couples_samples |= layer.norm == NormKind::batch;
    if (layer.activation) {
      (affine ? activated : activated_first) = true;
      traits.two_layer = false;
    } else if (layer.is_affine()) {
      traits.two_layer = affine && activated;
      affine = true;
    }
  }
  if (!traits.on_images && activated_first) traits.two_layer = false;
  return traits;
}

void LayersSpec::check(int64_t width) const {
  int64_t channels = width;
  for (const ListedLayer& layer : layers) {
    if (layer.is_affine() && !(layer.conv && layer.conv->depthwise)) channels = layer.outputs(width);
  }
  if (channels == width) return;
  throw base::ConfigError(
      concat("the last layer of module 'layers' has ", channels, " channels, and the state ", width),
      "leave its size out: it is the state's then");
}

namespace {

class LayerList : public Module {
 public:
  LayerList(const LayersSpec& spec, int64_t width, int64_t uses) : layers_(spec.layers) {
    int64_t channels = width;
    for (size_t i = 0; i < layers_.size(); ++i) {
      const ListedLayer& layer = layers_[i];
      const std::string name = concat(layer.norm ? "norm" : layer.conv ? "conv" : "linear", i);
      Parts& parts = parts_.emplace_back();
      if (layer.norm) {
        parts.norm = register_module(name, Norm(*layer.norm, channels, uses));
      } else if (layer.conv && layer.conv->depthwise) {
        const Window window{layer.conv->kernel_px, 1, layer.conv->kernel_px / 2};
        parts.depthwise = register_module(name, BiasedConvolution(channels, channels, window, channels));
      } else if (layer.conv) {
        parts.conv = register_module(name, Convolution(channels, layer.outputs(width), layer.conv->kernel_px));
        channels = layer.outputs(width);
      } else if (layer.linear) {
        parts.linear = register_module(name, Affine(channels, layer.outputs(width)));
        channels = layer.outputs(width);
      }
    }
  }

  Tensor forward(const Tensor& x, int64_t step) override { return from(0, x, step); }

  std::optional<BatchNorm> first_norm(int64_t step) override {
    if (layers_.size() < 3 || !layers_[0].norm || !layers_[1].activation) return std::nullopt;
    return parts_[0].norm->with_relu(*layers_[1].activation, step);
  }
  Tensor after_first_norm(const NormedRelu& normed, int64_t step) override { return from(2, normed, step); }

  std::vector<Tensor> last_layer() override {
    for (size_t i = layers_.size(); i-- > 0;) {
      const Parts& parts = parts_[i];
      if (parts.norm && parts.norm->weight.defined()) return {parts.norm->weight, parts.norm->bias};
      if (parts.conv) return {parts.conv->weight};
      if (parts.depthwise) return {parts.depthwise->weight, parts.depthwise->bias};
      if (parts.linear) return {parts.linear->weight, parts.linear->bias};
    }
    return {};
  }

 private:
  struct Parts {
    Norm norm{nullptr};
    Convolution conv{nullptr};
    BiasedConvolution depthwise{nullptr};
    Affine linear{nullptr};
  };

  bool is_activated_norm(size_t i) const {
    return i + 1 < layers_.size() && layers_[i].norm && layers_[i + 1].activation;
  }

  Tensor from(size_t first, const NormedRelu& x, int64_t step) {
    NormedRelu y = x;
    for (size_t i = first; i < layers_.size(); ++i) {
      Parts& parts = parts_[i];
      if (parts.conv && is_activated_norm(i + 1)) {
        y = parts_[i + 1].norm->to_make_after(parts.conv, y, *layers_[i + 2].activation, step);
        i += 2;
      } else if (is_activated_norm(i)) {
        y = parts.norm->to_make(y.made(), *layers_[i + 1].activation, step);
        ++i;
      } else if (parts.norm) {
        y = parts.norm->forward(y.made(), step);
      } else if (parts.conv) {
        y = parts.conv->forward(y);
      } else if (parts.depthwise) {
        y = parts.depthwise->forward(y.made());
      } else if (parts.linear) {
        y = parts.linear->forward(y.made());
      } else {
        y = activate(*layers_[i].activation, y.made());
      }
    }
    return y.made();
  }

  std::vector<ListedLayer> layers_;
  std::vector<Parts> parts_;
};

}  // namespace

// A norm and the activation behind it are one layer; what the last layer makes is not kept.
Count LayersSpec::count(int64_t width, const Extent& at) const {
  Count all;
  int64_t channels = width;
  for (size_t i = 0; i < layers.size(); ++i) {
    const ListedLayer& layer = layers[i];
    Count one;
    if (layer.norm && i + 1 < layers.size() && layers[i + 1].activation) {
      one = count_activated_norm(*layer.norm, *layers[++i].activation, channels, at.positions());
    } else if (layer.norm) {
      one = count_norm(*layer.norm, channels, at.positions());
    } else if (layer.conv && layer.conv->depthwise) {
      one = count_convolution(1, channels, layer.conv->kernel_px, at, /*with_bias=*/true);
    } else if (layer.conv) {
      one = count_convolution(channels, layer.outputs(width), layer.conv->kernel_px, at);
      channels = layer.outputs(width);
    } else if (layer.linear) {
      one = count_affine(channels, layer.outputs(width), at.positions());
      channels = layer.outputs(width);
    } else {
      one = count_activation(*layer.activation, channels * at.positions());
    }
    all += i + 1 == layers.size() ? ending(one) : one;
  }
  return all;
}

std::shared_ptr<Module> LayersSpec::make(int64_t width, int64_t uses, Steps) const {
  return std::make_shared<LayerList>(*this, width, uses);
}

}  // namespace optdnn::modules
