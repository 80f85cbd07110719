// Channels padded to multiples of eight where a network trains in 16 bits on a GPU. Also for the make-believe device.
#include "models/rules.h"
#include "optdnn/kernels/gpu/convolve.h"
#include "optdnn/kernels/gpu_cast.h"
#include "optdnn/modules/convolve.h"
#include "optdnn/modules/narrow_weights.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using models::OptNetSpec;
using modules::NarrowWeights;
using torch::Tensor;
using training::Precision;

namespace {

// Of all that a forward and a backward pass in 16 bits leave: outputs, gradients, running statistics; in double.
std::vector<Tensor> passes(models::Network& network, const Tensor& x, const Accelerator& gpu, torch::Dtype type,
                           bool padded) {
  const NarrowWeights weights(*network.module.ptr(), type, padded);
  REQUIRE(weights.fits(gpu.device));
  Tensor outputs;
  {
    const training::Autocast autocast(type == torch::kFloat16 ? Precision::float16 : Precision::bfloat16, gpu.device);
    outputs = weights.during([&] { return network.forward(x.to(gpu.device).contiguous(kChannelsLast)); });
  }
  const auto parameters = network.module.ptr()->parameters();
  const Tensor weight = torch::linspace(-1, 2, outputs.numel()).view_as(outputs).to(gpu.device, outputs.scalar_type());
  std::vector<Tensor> all = torch::autograd::grad({outputs}, parameters, {weight});
  all.push_back(outputs);
  for (const Tensor& buffer : network.module.ptr()->buffers()) all.push_back(buffer);
  for (Tensor& tensor : all) tensor = wide(tensor);
  return all;
}

// How far each is from what double precision on the CPU gives, relative.
std::vector<double> differences(const std::vector<Tensor>& found, const std::vector<Tensor>& wanted) {
  std::vector<double> off;
  for (size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].sizes() == wanted[i].sizes());
    off.push_back(((found[i] - wanted[i]).norm() / (wanted[i].norm() + 1e-2)).item<double>());
  }
  return off;
}

std::vector<Tensor> exact_passes(models::Network& network, const Tensor& x) {
  network.module.ptr()->to(torch::kFloat64);
  const Tensor outputs = network.forward(x.to(torch::kFloat64));
  const Tensor weight = torch::linspace(-1, 2, outputs.numel()).view_as(outputs).to(torch::kFloat64);
  std::vector<Tensor> all = torch::autograd::grad({outputs}, network.module.ptr()->parameters(), {weight});
  all.push_back(outputs.detach());
  for (const Tensor& buffer : network.module.ptr()->buffers()) all.push_back(buffer);
  return all;
}

struct Case {
  std::string rule;
  modules::ModuleSpec module;
  std::vector<int64_t> depth, width;
  models::TransitionSpec transition = models::ConvTransition{};
  std::optional<models::HeadSpec> head = {};
};

template <class Spec>
Spec with(modules::Activation activation, modules::Sharing sharing = modules::Sharing::per_step) {
  Spec spec;
  spec.activation = activation;
  spec.sharing = sharing;
  return spec;
}

std::vector<Case> cases() {
  using modules::Activation, modules::Sharing;
  models::PoolLinearHead plain;
  plain.norm = modules::NormKind::none;
  return {
      {"apg2", modules::ConvPreactSpec{}, {2, 1}, {5, 12}},
      {"apg2", modules::ConvPreactSpec{}, {1, 2}, {3, 17}, models::ConvTransition{{models::StateAcross::carry}}},
      {"nesterov", with<modules::ConvPreactSpec>(Activation::gelu, Sharing::shared), {2}, {9}},
      {"heavy_ball", with<modules::ConvPreactSpec>(Activation::sigmoid), {2}, {11}},
      {"momentum", modules::ConvPostactSpec{}, {2, 1}, {6, 10}},
      {"gradient_descent", with<modules::ConvBottleneckPreactSpec>(Activation::tanh), {2}, {12}},
      {"dense", modules::ConvSingleSpec{}, {3}, {10}, models::ConvTransition{}, plain},
      {"apg2", modules::ConvSingleSpec{}, {2, 3}, {5, 9}, models::DenseTransition{}},
  };
}

}  // namespace

TEST_CASE("networks of any width have padded channels in 16 bits, which change nothing") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  for (const Case& c : cases()) {
    const algorithms::Rule rule = catalogue_rule(c.rule);
    OptNetSpec spec;
    spec.modules.assign(rule.families().size(), c.module);
    spec.depth = c.depth;
    spec.width = c.width;
    spec.transition = c.transition;
    spec.head = c.head;
    const auto network_on = [&](const torch::Device& device) {
      torch::manual_seed(5);
      models::Network network = models::make_opt_net(rule, spec, {{3, 8, 8}, 4});
      CHECK(network.opt_net->takes_padding());
      modules::set_convolutions(*network.module.ptr(), kernels::Convolutions::fast);
      training::prepare_network(*network.module.ptr(), device, Precision::float32, /*channels_last=*/true);
      return network;
    };
    torch::manual_seed(6);
    const Tensor x = torch::randn({3, 3, 8, 8});
    models::Network exact = network_on(torch::kCPU);
    const auto wanted = exact_passes(exact, x);
    for (const auto type : {torch::kFloat16, torch::kBFloat16}) {
      CAPTURE(c.rule, modules::module_name(c.module), c.width, type);
      models::Network plain = network_on(gpu->device), padded = network_on(gpu->device);
      const auto off_plain = differences(passes(plain, x, *gpu, type, false), wanted);
      const int64_t convolved = launches(gpu->device, "convolve<"), copied = launches(gpu->device, "cast<float, float");
      const auto off = differences(passes(padded, x, *gpu, type, true), wanted);
      CHECK(launches(gpu->device, "convolve<") > convolved);
      CHECK(launches(gpu->device, "cast<float, float") - copied == 4);  // norms, statistics; gradients, statistics back
      for (size_t i = 0; i < off.size(); ++i) {
        CAPTURE(i, off_plain[i]);
        CHECK(off[i] < 3 * off_plain[i] + 5 * rounding(type));
      }
      for (const auto& item : padded.module.ptr()->named_parameters()) {
        CAPTURE(item.key());
        CHECK(item.value().sizes() == plain.module.ptr()->named_parameters()[item.key()].sizes());
      }
    }
  }
}

TEST_CASE("what a network is padded by is zero where it meets its own") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const auto& [from, to] : {std::pair(torch::kFloat32, torch::kFloat16),
                                 {torch::kFloat32, torch::kFloat32},
                                 {torch::kBFloat16, torch::kFloat32}}) {
    CAPTURE(from, to);
    const std::vector<Tensor> all = {torch::randn({31, 17, 3, 3}).contiguous(kChannelsLast), torch::randn({5, 7, 1, 1}),
                                     torch::randn({41}), torch::randn({3, 12}), torch::randn({16, 8})};
    std::vector<Tensor> on;
    for (const Tensor& tensor : all) on.push_back(tensor.to(gpu->device, from));
    const std::vector<kernels::Shape> shapes = {{{32, 24, 3, 3}}, {{8, 8, 1, 1}}, {{48}}, {{3, 16}}, {{16, 8}}};
    const auto wider = kernels::gpu_cast(on, to, shapes);
    std::vector<kernels::Shape> back;
    for (const Tensor& tensor : all) back.push_back({tensor.sizes().vec()});
    const auto narrower = kernels::gpu_cast(wider, from, back);
    for (size_t i = 0; i < all.size(); ++i) {
      CAPTURE(i);
      Tensor expected = torch::zeros(shapes[i].sizes, to), corner = expected;
      for (int64_t d = 0; d < corner.dim(); ++d) corner = corner.narrow(d, 0, back[i].sizes[d]);
      corner.copy_(on[i].cpu());
      CHECK(wider[i].cpu().equal(expected));
      CHECK((wider[i].dim() != 4 || wider[i].is_contiguous(kChannelsLast)));
      CHECK(narrower[i].cpu().equal(corner.to(from)));
      CHECK(narrower[i].sizes() == all[i].sizes());
    }
  }
}

TEST_CASE("copies keep whole vectors and frozen layers, whatever the others' sizes") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const Tensor forty = torch::randn({40}).to(gpu->device), more = torch::randn({64}).to(gpu->device);
  const int64_t before = launches(gpu->device, "cast<float, Half, 8>");
  kernels::gpu_cast({forty, more}, torch::kFloat16);
  CHECK(launches(gpu->device, "cast<float, Half, 8>") - before == 1);

  const auto spec = read_experiment(
      "dataset: {name: generated_images, size_px: 4, train_images: 8, test_images: 2, batch_size: 2}\n"
      "module: {name: conv_preact}\ndepth: [1, 1]\nwidth: [5, 9]\nalgorithm: {name: apg2}\n"
      "optimizer: {name: sgd, learning_rate: 0.05, groups: [{match: 'stem.*', frozen: true}]}\n"
      "train: {length: {epochs: 1}, precision: bfloat16}\n");
  const Trained begun = train(spec, *gpu, {.stop_after = 0});
  const int64_t padded = launches(gpu->device, "cast<float, float");
  const Trained trained = train(spec, *gpu);
  CHECK(launches(gpu->device, "cast<float, float") > padded);
  const auto was = training::named_weights(*begun.network.module.ptr());
  for (const auto& [name, tensor] : training::named_weights(*trained.network.module.ptr())) {
    CAPTURE(name);
    if (name == "stem.conv.weight") CHECK(tensor.equal(was.at(name)));
    if (name == "head.linear.weight") CHECK_FALSE(tensor.equal(was.at(name)));
  }
}

TEST_CASE("channels side by side are padded each by itself") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const Tensor x = torch::randn({2, 9}).to(gpu->device);
  const Tensor wider = kernels::gpu_cast({x}, torch::kFloat32, {{{2, 24}, 3}}).front();
  CHECK(wider.view({2, 3, 8}).narrow(2, 0, 3).reshape({2, 9}).equal(x));
  CHECK(wider.view({2, 3, 8}).narrow(2, 3, 5).eq(0).all().item<bool>());
  CHECK(kernels::gpu_cast({wider}, torch::kFloat32, {{{2, 9}, 3}}).front().equal(x));
}

TEST_CASE("a convolution pads images that have fewer channels than its weight, and gives their gradient back") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  const Tensor x = torch::randn({2, 3, 6, 6}).contiguous(kChannelsLast),
               weight = torch::randn({8, 3, 3, 3}).contiguous(kChannelsLast);
  const Tensor wider = torch::constant_pad_nd(weight, {0, 0, 0, 0, 0, 5}).contiguous(kChannelsLast);
  const auto by = [&](const Tensor& image, const Tensor& w) {
    return modules::convolve(image, w, 1, kernels::Convolutions::fast);
  };
  const Tensor exact = x.to(torch::kFloat64).requires_grad_(), y = by(exact, weight.to(torch::kFloat64));
  const Tensor wanted = y.detach(), gradient = torch::autograd::grad({y.sum()}, {exact})[0];
  for (const auto type : {torch::kFloat16, torch::kBFloat16}) {
    const Tensor w = wider.to(gpu->device, type);
    const int64_t cast = launches(gpu->device, "cast<"), convolved = launches(gpu->device, "convolve<");
    CHECK(worst(by(x.to(gpu->device), w), wanted) < 20 * rounding(type));
    CHECK(launches(gpu->device, "cast<") - cast == 1);
    CHECK(launches(gpu->device, "convolve<") - convolved == 1);
    const Tensor image = x.to(gpu->device, type).requires_grad_();
    CHECK(worst(torch::autograd::grad({by(image, w).sum()}, {image})[0], gradient) < 20 * rounding(type));
  }
}

TEST_CASE("networks whose channels meet otherwise are not padded") {
  const auto pads = [](const std::string& yaml) {
    const auto spec = read_experiment(
        "dataset: {name: generated_images, size_px: 8, train_images: 8, test_images: 8, batch_size: 8}\n" + yaml);
    const auto dataset = data::make_dataset(spec.dataset, "", "cpu");
    return experiment::make_stacked_network(spec, experiment::network_shape(dataset->shape()), {0})
        .opt_net->takes_padding();
  };
  const std::string net = "algorithm: {name: gradient_descent}\ndepth: [1, 1]\nwidth: [5, 6]\n";
  CHECK(pads(net + "module: {name: conv_preact}\n"));
  CHECK_FALSE(pads(net + "module: {name: conv_preact, norm: group}\n"));
  CHECK_FALSE(pads(net + "module: {name: conv_postact, norm: layer}\n"));
  CHECK_FALSE(pads(net + "module: {name: implicit_conv}\n"));
  CHECK_FALSE(
      pads("algorithm: {name: proximal_point}\ndepth: [1, 1]\nwidth: [5, 6]\n"
           "module: {name: conv_preact, norm: none}\n"));
  CHECK_FALSE(pads(net + "module: {name: conv_preact}\ntransition: {name: pad}\n"));
  CHECK(pads(net + "module: {name: conv_single}\ntransition: {name: dense}\n"));
  CHECK_FALSE(
      pads("algorithm: {name: dense_sum, equations: \"x[k+1] = sum(j, 0, k, T[k,j](x[j]))\"}\ndepth: [1, 1]\n"
           "width: [5, 6]\nmodule: {name: conv_single}\ntransition: {name: dense, compression: 0.5}\n"));
  CHECK_FALSE(pads(net + "module: {name: conv_preact}\ntrain: {length: {epochs: 1}, recompute: true}\n"));
  CHECK_FALSE(pads(net + "module: {name: conv_preact}\nhead: {name: pool_linear, norm: group}\n"));
}
