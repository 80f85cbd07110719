// The published baselines against references written with loops, in double precision, from the weights by name.
#include <ATen/autocast_mode.h>

#include <map>

#include "models/rules.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/baselines/catalogue.h"
#include "optdnn/baselines/cost.h"
#include "optdnn/baselines/dense_mlp.h"

using namespace optdnn;
using torch::Tensor;

namespace {

const models::NetworkShape kSmall{{3, 8, 8}, 5};

// Layers as their definitions say.
struct Reference {
  std::map<std::string, Tensor> w;
  bool training;

  Tensor conv(const Tensor& x, const std::string& name, int64_t stride = 1) const {
    const Tensor weight = w.at(name + ".weight");
    const int64_t pad = weight.size(2) / 2, height = x.size(2), width = x.size(3);
    Tensor y = torch::zeros({x.size(0), weight.size(0), (height + stride - 1) / stride, (width + stride - 1) / stride},
                            torch::kFloat64);
    for (int64_t i = 0; i < y.size(2); ++i) {
      for (int64_t j = 0; j < y.size(3); ++j) {
        for (int64_t a = 0; a < weight.size(2); ++a) {
          for (int64_t b = 0; b < weight.size(3); ++b) {
            const int64_t row = i * stride + a - pad, column = j * stride + b - pad;
            if (row < 0 || column < 0 || row >= height || column >= width) continue;
            y.select(3, j).select(2, i) +=
                x.select(3, column).select(2, row).matmul(weight.select(3, b).select(2, a).t());
          }
        }
      }
    }
    return y;
  }
  Tensor norm(const Tensor& x, const std::string& name) const {
    const auto shaped = [](const Tensor& c) { return c.view({1, -1, 1, 1}); };
    const Tensor mean = training ? x.mean({0, 2, 3}) : w.at(name + ".running_mean")[0];
    const Tensor variance = training ? (x - shaped(mean)).pow(2).mean({0, 2, 3}) : w.at(name + ".running_var")[0];
    return (x - shaped(mean)) / (shaped(variance) + 1e-5).sqrt() * shaped(w.at(name + ".weight")) +
           shaped(w.at(name + ".bias"));
  }
  Tensor norm_relu(const Tensor& x, const std::string& name) const { return norm(x, name).clamp_min(0); }
  Tensor linear(const Tensor& x, const std::string& name) const {
    return x.matmul(w.at(name + ".weight").t()) + w.at(name + ".bias");
  }
  bool has(const std::string& name) const { return w.contains(name + ".weight"); }
};

Reference reference(const torch::nn::Module& module) {
  Reference made{{}, module.is_training()};
  for (const auto& p : module.named_parameters()) made.w[p.key()] = p.value().detach().clone();
  for (const auto& b : module.named_buffers()) made.w[b.key()] = b.value().clone();
  return made;
}

Tensor shortcut_a(const Tensor& x, int64_t width, int64_t stride) {
  Tensor y = torch::zeros({x.size(0), width, x.size(2) / stride, x.size(3) / stride}, torch::kFloat64);
  for (int64_t i = 0; i < y.size(2); ++i) {
    for (int64_t j = 0; j < y.size(3); ++j) {
      y.select(3, j).select(2, i).narrow(1, 0, x.size(1)) += x.select(3, j * stride).select(2, i * stride);
    }
  }
  return y;
}

Tensor residual_network(const Reference& net, Tensor x, bool pre, int64_t blocks) {
  x = net.conv(x, "stem");
  if (!pre) x = net.norm_relu(x, "stem_norm");
  for (int64_t stage = 0; stage < 3; ++stage) {
    for (int64_t i = 0; i < blocks; ++i) {
      const std::string block = base::concat("block_", stage, "_", i, ".");
      const int64_t stride = stage > 0 && i == 0 ? 2 : 1, width = net.w.at(block + "conv2.weight").size(0);
      const Tensor before = pre ? net.norm_relu(x, block + "norm1") : x;
      Tensor shortcut = x;
      if (net.has(block + "projection")) {
        shortcut = net.conv(before, block + "projection", stride);
        if (!pre) shortcut = net.norm(shortcut, block + "projection_norm");
      } else if (width != x.size(1)) {
        shortcut = shortcut_a(x, width, stride);
      }
      if (pre) {
        x = shortcut +
            net.conv(net.norm_relu(net.conv(before, block + "conv1", stride), block + "norm2"), block + "conv2");
      } else {
        const Tensor hidden = net.norm_relu(net.conv(x, block + "conv1", stride), block + "norm1");
        x = (shortcut + net.norm(net.conv(hidden, block + "conv2"), block + "norm2")).clamp_min(0);
      }
    }
  }
  if (pre) x = net.norm_relu(x, "last_norm");
  return net.linear(x.mean({2, 3}), "head");
}

Tensor dense_network(const Reference& net, Tensor x, int64_t layers) {
  x = net.conv(x, "stem.conv");
  for (int64_t block = 0; block < 3; ++block) {
    if (block > 0) {
      const std::string name = base::concat("transition_", block);
      x = net.conv(net.norm_relu(x, name + ".norm"), name + ".conv");
      x = (x.slice(2, 0, {}, 2) + x.slice(2, 1, {}, 2)) / 2;
      x = (x.slice(3, 0, {}, 2) + x.slice(3, 1, {}, 2)) / 2;
    }
    for (int64_t i = 0; i < layers; ++i) {
      const std::string layer = base::concat("block_", block, "_", i, ".");
      Tensor y = net.conv(net.norm_relu(x, layer + "norm1"), layer + "conv1");
      if (net.has(layer + "conv2")) y = net.conv(net.norm_relu(y, layer + "norm2"), layer + "conv2");
      x = torch::cat({x, y}, 1);
    }
  }
  return net.linear(net.norm_relu(x, "head.norm").mean({2, 3}), "head.linear");
}

// Both modes, since training uses the batch's statistics and evaluation the running ones.
template <class Naive>
void require_equal_to(const baselines::ModelSpec& spec, Naive naive) {
  base::seed_torch(1);
  models::Network network = baselines::make_baseline(spec, kSmall);
  torch::nn::Module& module = *network.module.ptr();
  module.to(torch::kFloat64);
  const Tensor images = torch::randn({3, 3, 8, 8}, torch::kFloat64);
  for (const bool training : {true, false}) {
    module.train(training);
    const Reference net = reference(module);
    const Tensor wanted = naive(net, images);
    REQUIRE(torch::allclose(network.forward(images), wanted, 0, 1e-12));
  }
}

}  // namespace

TEST_CASE("the ResNets equal a naive network: post- and pre-activation, shortcuts by padding and by projection") {
  for (const auto order : {baselines::BlockOrder::post, baselines::BlockOrder::pre}) {
    for (const auto shortcut : {baselines::Shortcut::a, baselines::Shortcut::b}) {
      const bool pre = order == baselines::BlockOrder::pre;
      require_equal_to(baselines::ResNetSpec{14, 4, shortcut, order}, [&](const Reference& net, const Tensor& images) {
        return residual_network(net, images, pre, 2);
      });
    }
  }
}

TEST_CASE("a wide ResNet equals a naive one") {
  require_equal_to(baselines::WrnSpec{10, 1, 0.0},
                   [](const Reference& net, const Tensor& images) { return residual_network(net, images, true, 1); });
}

TEST_CASE("dropout of a wide ResNet is for training alone") {
  base::seed_torch(2);
  models::Network network = baselines::make_baseline(baselines::WrnSpec{10, 1, 0.5}, kSmall);
  const Tensor images = torch::randn({2, 3, 8, 8});
  REQUIRE_FALSE(torch::equal(network.forward(images), network.forward(images)));
  network.module.ptr()->eval();
  REQUIRE(torch::equal(network.forward(images), network.forward(images)));
}

TEST_CASE("DenseNet and DenseNet-BC equal a naive concatenation") {
  require_equal_to(baselines::DenseNetSpec{10, 3, false, 1.0, false},
                   [](const Reference& net, const Tensor& images) { return dense_network(net, images, 2); });
  for (const bool memory_efficient : {false, true}) {
    require_equal_to(baselines::DenseNetSpec{16, 3, true, 0.5, memory_efficient},
                     [](const Reference& net, const Tensor& images) { return dense_network(net, images, 2); });
  }
}

TEST_CASE("a memory-efficient DenseNet has the gradients and statistics of the plain one, and keeps less") {
  baselines::DenseNetSpec spec{34, 4, true, 0.5, false};
  base::seed_torch(3);
  models::Network plain = baselines::make_baseline(spec, kSmall);
  spec.memory_efficient = true;
  base::seed_torch(3);
  models::Network lean = baselines::make_baseline(spec, kSmall);
  const Tensor images = torch::randn({4, 3, 8, 8});
  for (models::Network* network : {&plain, &lean}) network->forward(images).pow(2).sum().backward();
  const auto theirs = plain.module.ptr()->named_parameters();
  for (const auto& parameter : lean.module.ptr()->named_parameters()) {
    INFO(parameter.key());
    REQUIRE(torch::equal(parameter->grad(), theirs[parameter.key()].grad()));
  }
  const auto statistics = plain.module.ptr()->named_buffers();
  for (const auto& buffer : lean.module.ptr()->named_buffers()) {
    REQUIRE(torch::equal(buffer.value(), statistics[buffer.key()]));
  }
  REQUIRE(baselines::measure_cost(lean, kSmall).activation_mib_per_sample <
          0.6 * baselines::measure_cost(plain, kSmall).activation_mib_per_sample);
}

TEST_CASE("layers that are recomputed run in the number type they ran in first") {
  models::Network lean = baselines::make_baseline(baselines::DenseNetSpec{16, 4, true, 0.5, true}, kSmall);
  at::autocast::set_autocast_enabled(torch::kCPU, true);
  at::autocast::increment_nesting();
  const Tensor output = lean.forward(torch::randn({2, 3, 8, 8}));
  at::autocast::decrement_nesting();
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(torch::kCPU, false);
  output.sum().backward();
  REQUIRE_FALSE(at::autocast::is_autocast_enabled(torch::kCPU));
  for (const auto& parameter : lean.module.ptr()->parameters()) REQUIRE(parameter.grad().defined());
}

TEST_CASE("baselines refuse layers that make no whole blocks, and vectors") {
  const auto refuses = [](const baselines::ModelSpec& spec, const models::NetworkShape& shape,
                          const std::string& with) {
    try {
      baselines::make_baseline(spec, shape);
    } catch (const base::ConfigError& error) {
      return std::string(error.what()).find(with) != std::string::npos;
    }
    return false;
  };
  REQUIRE(refuses(baselines::ResNetSpec{21}, kSmall, "6n+2 layers, received 21"));
  REQUIRE(refuses(baselines::WrnSpec{20}, kSmall, "6n+4 layers, received 20"));
  REQUIRE(refuses(baselines::DenseNetSpec{41}, kSmall, "3n+4 layers, received 41"));
  REQUIRE(refuses(baselines::DenseNetSpec{43, 12, true}, kSmall, "6n+4 layers with bottlenecks, received 43"));
  for (const baselines::ModelSpec& spec :
       {baselines::ModelSpec(baselines::ResNetSpec{}), baselines::ModelSpec(baselines::WrnSpec{}),
        baselines::ModelSpec(baselines::DenseNetSpec{})}) {
    REQUIRE(refuses(spec, models::NetworkShape{{2}, 2}, "wants images"));
  }
}

TEST_CASE("dense_mlp reads the input and all layers before it at every layer") {
  base::seed_torch(1);
  baselines::DenseMlp net(baselines::DenseMlpSpec{3, 4, modules::Activation::tanh}, models::NetworkShape{{2}, 2});
  const Tensor x = torch::randn({5, 2});
  const auto w = net->named_parameters();
  std::vector<Tensor> parts = {x};
  for (int i = 0; i < 3; ++i) {
    const std::string layer = "layer_" + std::to_string(i);
    parts.push_back(torch::tanh(torch::linear(torch::cat(parts, 1), w[layer + ".weight"], w[layer + ".bias"])));
  }
  const Tensor expected = torch::linear(torch::cat(parts, 1), w["layer_3.weight"], w["layer_3.bias"]);
  REQUIRE(torch::allclose(net->forward(x), expected, 1e-6, 1e-6));
  REQUIRE(w["layer_3.weight"].size(1) == 2 + 3 * 4);
}

TEST_CASE("images too small for the blocks of a DenseNet are refused") {
  baselines::DenseNetSpec spec;
  spec.layers = 7;
  CHECK_NOTHROW(baselines::check_baseline(spec, {{3, 4, 4}, 2}));
  CHECK_THROWS_WITH(baselines::check_baseline(spec, {{3, 2, 2}, 2}),
                    "images of 2 x 2 pixels are too small: before block 2 model 'densenet' would halve 1 x 1");
}
