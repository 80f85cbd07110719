// ConvNeXt and ViT: published sizes, their forward passes against loops over single numbers, timm's names.
#include "models/vision_nets.h"

#include <set>

#include "models/naive_vision.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/baselines/cost.h"
#include "optdnn/models/timm_names.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;

namespace {

const models::NetworkShape kImageNet{{3, 224, 224}, 1000};
const models::NetworkShape kSmall{{3, 16, 16}, 5};

struct Published {
  std::string name;
  models::OptNetSpec spec;
  int64_t parameters;
  double multiply_adds_g;  // as printed, one digit
};

// Liu et al. 2022, Tables 1 and 2 and the released code; Touvron et al. 2021, Table 1. Layer scale: isotropic L alone.
// Multiply-adds of ViT-Ti and ViT-L: 1.3 (DeiT's code) and 61.6 (Dosovitskiy et al. 2021 at 224, as timm prints it).
std::vector<Published> published() {
  const std::vector<int64_t> tiny{3, 3, 9, 3}, deep{3, 3, 27, 3};
  return {
      {"ConvNeXt-T", convnext_spec(tiny, {96, 192, 384, 768}), 28'589'128, 4.5},
      {"ConvNeXt-S", convnext_spec(deep, {96, 192, 384, 768}), 50'223'688, 8.7},
      {"ConvNeXt-B", convnext_spec(deep, {128, 256, 512, 1024}), 88'591'464, 15.4},
      {"ConvNeXt-L", convnext_spec(deep, {192, 384, 768, 1536}), 197'767'336, 34.4},
      {"isotropic S", isotropic_spec(18, 384, 0), 22'308'712, 4.3},
      {"isotropic B", isotropic_spec(18, 768, 0), 87'083'752, 16.9},
      {"isotropic L", isotropic_spec(36, 1024, 1e-6), 305'942'504, 59.7},
      {"ViT-Ti", vit_spec(12, 192, 3), 5'717'416, 1.3},
      {"ViT-S", vit_spec(12, 384, 6), 22'050'664, 4.6},
      {"ViT-B", vit_spec(12, 768, 12), 86'567'656, 17.6},
      {"ViT-L", vit_spec(24, 1024, 16), 304'326'632, 61.6},
  };
}

// Every weight a fresh number, so that no scale or bias hides a mistake.
models::Network random_network(const std::string& rule, const models::OptNetSpec& spec) {
  base::seed_torch(4);
  models::Network network = models::make_opt_net(catalogue_rule(rule), spec, kSmall);
  torch::NoGradGuard no_grad;
  for (Tensor weight : network.module.ptr()->parameters()) weight.normal_(0.0, 0.3);
  network.module.ptr()->to(torch::kFloat64);
  return network;
}

std::vector<std::string> parameter_names(const torch::nn::Module& module) {
  std::vector<std::string> names;
  for (const auto& item : module.named_parameters()) names.push_back(item.key());
  return names;
}

}  // namespace

namespace {

struct Size {
  int64_t parameters = 0, multiply_adds = 0;
};

Size size_of(const models::OptNetSpec& spec) {
  models::Network network = models::make_opt_net(catalogue_rule("gradient_descent"), spec, kImageNet);
  network.module.ptr()->eval();
  torch::NoGradGuard no_grad;
  const Tensor images = torch::zeros({1, 3, 224, 224});
  return {baselines::count_parameters(*network.module.ptr()),
          baselines::count_multiply_adds([&] { network.forward(images); })};
}

// All steps of a stage are alike, so a deep network's size follows from those of one and two steps a stage.
Size size_of_all_steps(models::OptNetSpec spec) {
  const std::vector<int64_t> depth = spec.depth;
  spec.depth.assign(depth.size(), 1);
  const Size shallow = size_of(spec);
  Size all = shallow;
  for (size_t i = 0; i < depth.size(); ++i) {
    spec.depth[i] = 2;
    const Size one_more = size_of(spec);
    spec.depth[i] = 1;
    all.parameters += (depth[i] - 1) * (one_more.parameters - shallow.parameters);
    all.multiply_adds += (depth[i] - 1) * (one_more.multiply_adds - shallow.multiply_adds);
  }
  return all;
}

}  // namespace

TEST_CASE("the published ConvNeXts and ViTs have their published parameters and multiply-adds") {
  for (const Published& net : published()) {
    INFO(net.name);
    const Size size = size_of_all_steps(net.spec);
    REQUIRE(size.parameters == net.parameters);
    REQUIRE(std::round(static_cast<double>(size.multiply_adds) / 1e8) / 10.0 == Approx(net.multiply_adds_g));
  }
  const Size whole = size_of(published().front().spec), extended = size_of_all_steps(published().front().spec);
  REQUIRE(whole.parameters == extended.parameters);
  REQUIRE(whole.multiply_adds == extended.multiply_adds);
}

TEST_CASE("attention costs the same whichever way it is computed") {
  models::Network network = models::make_opt_net(catalogue_rule("gradient_descent"), vit_spec(2, 8, 2, 4), kSmall);
  const int64_t tokens = 17, width = 8, per_token = 2 * (3 + 1 + 8) * width * width;
  const int64_t expected = 16 * 48 * width + tokens * per_token + 2 * 2 * tokens * tokens * width + width * 5;
  REQUIRE(baselines::measure_cost(network, kSmall).multiply_adds == expected);
}

// The last z of a stage is read by nobody: its gamma is left out.
TEST_CASE("the twin of a published network has its parameters, its coefficients more, and its multiply-adds") {
  const models::NetworkShape shape{{3, 64, 64}, 10};
  std::vector<algorithms::Coefficient> learned(1);
  learned[0].name = "gamma";
  learned[0].value = 1.5;
  learned[0].learn = algorithms::Learn::per_step;
  for (const models::OptNetSpec& spec : {convnext_spec({1, 2, 1, 1}, {8, 16, 16, 16}), vit_spec(3, 16, 4)}) {
    models::Network plain = models::make_opt_net(catalogue_rule("gradient_descent"), spec, shape);
    models::Network twin = models::make_opt_net(catalogue_rule("apg2", learned), spec, shape);
    const baselines::Cost a = baselines::measure_cost(plain, shape), b = baselines::measure_cost(twin, shape);
    REQUIRE(b.multiply_adds == a.multiply_adds);
    const int64_t gammas = std::accumulate(spec.depth.begin(), spec.depth.end(), -std::ssize(spec.depth));
    REQUIRE(b.parameters == a.parameters + gammas);
  }
}

TEST_CASE("a ConvNeXt equals loops over single numbers in double precision") {
  const models::OptNetSpec spec = convnext_spec({1, 2}, {4, 6});
  models::Network network = random_network("gradient_descent", spec);
  network.module.ptr()->eval();
  const torch::nn::Module& net = *network.module.ptr();
  const Tensor images = torch::randn({2, 3, 16, 16}, torch::kFloat64);

  Tensor x = naive_patches(weights_below(net, "stem.conv."), images, 4);
  x = to_image(naive_norm(weights_below(net, "stem.norm."), to_rows(x)), x.sizes());
  x = x + naive_convnext(weights_below(net, "stage_0.T.0."), x);
  x = to_image(naive_norm(weights_below(net, "transition_1.norm."), to_rows(x)), x.sizes());
  x = naive_patches(weights_below(net, "transition_1.conv."), x, 2);
  x = x + naive_convnext(weights_below(net, "stage_1.T.0."), x);
  x = x + naive_convnext(weights_below(net, "stage_1.T.1."), x);
  x = naive_norm(weights_below(net, "head.norm."), x.mean({2, 3}));
  x = naive_linear(weights_below(net, "head.linear."), x);
  const Tensor logits = network.forward(images);
  REQUIRE(logits.abs().max().item<double>() > 0.1);
  REQUIRE((logits - x).abs().max().item<double>() < 1e-11);
}

TEST_CASE("a ViT equals loops over single numbers in double precision") {
  models::Network network = random_network("gradient_descent", vit_spec(2, 8, 2, 4));
  network.module.ptr()->eval();
  const torch::nn::Module& net = *network.module.ptr();
  const Tensor images = torch::randn({2, 3, 16, 16}, torch::kFloat64);

  const Tensor patches = naive_patches(weights_below(net, "stem.conv."), images, 4);
  const Weights stem = weights_below(net, "stem.");
  std::vector<Tensor> samples;
  for (const Tensor& sample : patches.unbind(0)) {
    samples.push_back(torch::cat({stem.at("cls_token")[0], sample.flatten(1).t()}) + stem.at("pos_embed")[0]);
  }
  Tensor z = torch::stack(samples).contiguous();
  for (const char* step : {"stage_0.T.0.", "stage_0.T.1."}) z = z + naive_transformer(weights_below(net, step), z, 2);
  z = naive_norm(weights_below(net, "head.norm."), z.select(1, 0).contiguous());
  z = naive_linear(weights_below(net, "head.linear."), z);
  REQUIRE((network.forward(images) - z).abs().max().item<double>() < 1e-11);
}

TEST_CASE("any rule runs over both modules: APG2 by hand") {
  for (const models::OptNetSpec& spec : {isotropic_spec(3, 4, 0), vit_spec(3, 8, 2, 4)}) {
    models::Network network = random_network("apg2", spec);
    network.module.ptr()->eval();
    auto& net = *network.opt_net;
    const auto child = [&](const std::string& name) { return net.named_children()[name]; };
    const auto steps = child("stage_0")->named_children()["T"]->named_children();
    const auto stem = std::dynamic_pointer_cast<models::End>(child("stem"));
    const auto head = std::dynamic_pointer_cast<models::End>(child("head"));
    const Tensor images = torch::randn({2, 3, 16, 16}, torch::kFloat64);
    Tensor x = stem->forward(images), z = x;
    for (int k = 0; k < 3; ++k) {
      const auto module = std::dynamic_pointer_cast<modules::Module>(steps[std::to_string(k)]);
      const Tensor y = 0.5 * x + 0.5 * z, t = module->forward(y, k);
      z = z + 1.5 * t;
      x = y + t;
    }
    REQUIRE((network.forward(images) - head->forward(x)).abs().max().item<double>() < 1e-11);
  }
}

TEST_CASE("timm's names: those of its own listing, each once") {
  models::Network convnext = random_network("apg2", convnext_spec({1, 1}, {4, 8}));
  const auto names = models::timm_names(parameter_names(*convnext.module.ptr()));
  REQUIRE(names.at("stem.conv.weight") == "stem.0.weight");
  REQUIRE(names.at("stem.norm.bias") == "stem.1.bias");
  REQUIRE(names.at("stage_1.T.0.gamma") == "stages.1.blocks.0.gamma");
  REQUIRE(names.at("transition_1.norm.weight") == "stages.1.downsample.0.weight");
  REQUIRE(names.at("transition_1.conv.bias") == "stages.1.downsample.1.bias");
  REQUIRE(names.at("head.norm.weight") == "head.norm.weight");
  REQUIRE(names.at("head.linear.weight") == "head.fc.weight");

  models::Network vit = random_network("gradient_descent", vit_spec(1, 8, 2, 4));
  const auto tokens = models::timm_names(parameter_names(*vit.module.ptr()));
  REQUIRE(tokens.at("stem.conv.weight") == "patch_embed.proj.weight");
  REQUIRE(tokens.at("stem.cls_token") == "cls_token");
  REQUIRE(tokens.at("stage_0.T.0.attn.qkv.weight") == "blocks.0.attn.qkv.weight");
  REQUIRE(tokens.at("head.norm.bias") == "norm.bias");
  REQUIRE(tokens.at("head.linear.bias") == "head.bias");
  for (const auto& table : {names, tokens}) {
    std::set<std::string> distinct;
    for (const auto& [ours, theirs] : table) distinct.insert(theirs);
    REQUIRE(distinct.size() == table.size());
  }
}

TEST_CASE("tokens that nobody takes, patches that do not fit and other impossible ends are refused") {
  const auto refused = [](const models::OptNetSpec& spec, const models::NetworkShape& shape = kSmall) {
    REQUIRE_THROWS_AS(models::make_opt_net(catalogue_rule("gradient_descent"), spec, shape), base::ConfigError);
  };
  models::OptNetSpec spec = vit_spec(1, 8, 2, 4);
  spec.head.reset();
  refused(spec);
  spec = vit_spec(1, 8, 2, 4);
  spec.stem = models::PatchifyStem{};
  refused(spec);
  spec = vit_spec(1, 8, 2, 4);
  spec.modules = {modules::ConvNextSpec{}};
  refused(spec);
  spec = vit_spec(1, 8, 2, 4);
  spec.depth = spec.width = {8, 8};
  refused(spec);
  refused(vit_spec(1, 8, 2, 5));
  refused(vit_spec(1, 8, 3, 4));
  refused(vit_spec(1, 8, 2, 4), {{64}, 5});
  spec = convnext_spec({1}, {4});
  std::get<modules::ConvNextSpec>(spec.modules.front()).kernel_px = 4;
  refused(spec);
}

TEST_CASE("a ViT's patch embedding starts as timm's: uniform, as torch's convolutions, and not truncated normal") {
  base::seed_torch(9);
  const models::NetworkShape shape{{3, 32, 32}, 10};
  const auto stem = models::make_stem(models::StemSpec{models::ClassTokenStem{8}}, shape, 64);
  const auto weights = stem->named_parameters();
  const double bound = 1.0 / std::sqrt(3.0 * 8 * 8);
  for (const char* name : {"conv.weight", "conv.bias"}) {
    INFO(name);
    REQUIRE(weights[name].abs().max().item<double>() <= bound);
    REQUIRE(weights[name].abs().max().item<double>() > 0.9 * bound);
  }
  REQUIRE(weights["conv.weight"].std().item<double>() == Approx(bound / std::sqrt(3.0)).epsilon(0.03));
}
