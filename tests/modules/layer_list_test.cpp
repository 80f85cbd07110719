// Layers of one's own: written out, a module of the catalogue is that module.
#include "optdnn/modules/layer_list.h"

#include "optdnn/base/device.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/modules/catalogue.h"
#include "optdnn/modules/convolve.h"
#include "support/catch.h"

namespace optdnn {
namespace {

using namespace modules;

ListedLayer linear_layer(std::optional<int64_t> width) {
  ListedLayer layer;
  layer.linear.emplace();
  layer.linear->width = width;
  return layer;
}

ListedLayer activation_layer(Activation activation) {
  ListedLayer layer;
  layer.activation = activation;
  return layer;
}

}  // namespace

TEST_CASE("layers that spell conv_preact or dense_two_layer are these, weights, numbers and costs") {
  LayersSpec dense;
  dense.layers = {linear_layer(5), activation_layer(Activation::tanh), linear_layer({})};
  DenseTwoLayerSpec two;
  two.hidden = 5;
  const std::vector<std::pair<ModuleSpec, ModuleSpec>> pairs = {{LayersSpec{}, ConvPreactSpec{}}, {dense, two}};
  for (const auto& [listed, known] : pairs) {
    const bool image = module_traits(known).on_images;
    CHECK(module_traits(listed).on_images == image);
    CHECK(module_traits(listed).two_layer);
    base::seed_torch(3);
    const auto a = make_module(listed, 6, 2, image);
    base::seed_torch(3);
    const auto b = make_module(known, 6, 2, image);
    const torch::Tensor x = image ? torch::randn({4, 6, 5, 5}) : torch::randn({4, 6});
    CHECK(torch::equal(a->forward(x, 1), b->forward(x, 1)));
    const Count count = count_module(listed, 6, {image ? 5 : 1, image ? 5 : 1});
    const Count wanted = count_module(known, 6, {image ? 5 : 1, image ? 5 : 1});
    CHECK(count.parameters == wanted.parameters);
    CHECK(count.multiply_adds == wanted.multiply_adds);
    CHECK(count.kept == wanted.kept);
  }
}

TEST_CASE("convolutions of layers take their norms along as those of conv_preact do") {
  const auto run = [](const ModuleSpec& spec) {
    base::seed_torch(3);
    const auto module = make_module(spec, 16, 1, true);
    set_convolutions(*module, kernels::Convolutions::fast);
    const torch::Tensor x = torch::randn({4, 16, 12, 12}).contiguous(at::MemoryFormat::ChannelsLast);
    const auto before = kernels::counted_convolutions();
    const torch::Tensor y = module->forward(x, 0);
    return std::pair(y, (kernels::counted_convolutions() - before).normed);
  };
  const auto [y, normed] = run(LayersSpec{});
  const auto [wanted, normed_of_wanted] = run(ConvPreactSpec{});
  CHECK(normed == (kernels::best_instructions() == kernels::Instructions::none ? 0 : 2));
  CHECK(normed == normed_of_wanted);
  CHECK(torch::equal(y, wanted));

  ListedLayer norm, relu, conv;  // what is read twice, or not by a convolution, is made
  norm.norm = NormKind::batch;
  relu.activation = Activation::relu;
  conv.conv.emplace();
  LayersSpec others;
  others.layers = {norm, relu, norm, relu, conv, relu, norm, relu, activation_layer(Activation::tanh),
                   conv, norm, relu};
  const auto [last, taken] = run(others);
  CHECK(taken == (normed == 0 ? 0 : 1));
  CHECK(last.sizes() == y.sizes());
  CHECK(last.min().item<float>() == 0.0f);
}

TEST_CASE("depthwise layers keep their channels, and the last layer must have the state's width") {
  ListedLayer wide, depthwise, last;
  wide.conv.emplace();
  wide.conv->times = 3;
  depthwise.conv.emplace();
  depthwise.conv->depthwise = true;
  last.conv.emplace();
  LayersSpec spec;
  spec.layers = {wide, depthwise, activation_layer(Activation::relu), last};
  const auto module = make_module(spec, 4, 1, true);
  CHECK(module->forward(torch::randn({2, 4, 6, 6}), 0).sizes() == torch::IntArrayRef({2, 4, 6, 6}));
  int64_t parameters = 0;
  for (const auto& parameter : module->parameters()) parameters += parameter.numel();
  CHECK(count_module(spec, 4, {6, 6}).parameters == parameters);
  spec.layers = {last, activation_layer(Activation::relu), wide};
  CHECK_THROWS_AS(make_module(spec, 4, 1, true), base::ConfigError);
}

}  // namespace optdnn
