// The DenseNet setting of a rule: what leaves a stage is all its iterates side by side.
#include "models/rules.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/models/network.h"

using namespace optdnn;
using torch::Tensor;

namespace {

models::OptNetSpec dense_setting(std::vector<int64_t> depth, std::vector<int64_t> width, size_t families) {
  models::OptNetSpec spec;
  spec.modules.assign(families, modules::ConvSingleSpec{});
  spec.depth = std::move(depth);
  spec.width = std::move(width);
  spec.transition = models::DenseTransition{};
  return spec;
}

std::vector<algorithms::Rule> explicit_rules() {
  std::vector<algorithms::Rule> rules;
  for (const auto& entry : algorithms::catalogue()) {
    auto rule = tests::catalogue_rule(std::string(entry.name));
    if (rule.is_explicit()) rules.push_back(std::move(rule));
  }
  return rules;
}

void copy_parameters(const torch::nn::Module& from, torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const auto source = from.named_parameters();
  for (auto& parameter : to.named_parameters()) {
    if (parameter.key().find("coefficients") != std::string::npos) continue;
    REQUIRE(source.contains(parameter.key()));
    parameter->copy_(source[parameter.key()]);
  }
}

// A DenseNet whose blocks begin at their growth rate, by concatenation: the weights of T[k,j], j = 0..k, side by side.
struct Concatenated {
  torch::OrderedDict<std::string, Tensor> parameters;

  Tensor of_pairs(size_t stage, int64_t k, const std::string& name, int64_t dim) const {
    std::vector<Tensor> parts;
    for (int64_t j = 0; j <= k; ++j)
      parts.push_back(parameters[base::concat("stage_", stage, ".T.", k, "_", j, ".", name)]);
    return torch::cat(parts, dim);
  }
  static Tensor norm_relu(const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return torch::relu(torch::batch_norm(x, weight, bias, {}, {}, true, 0.1, 1e-5, true));
  }
  Tensor norm_relu(const Tensor& x, const std::string& name) const {
    return norm_relu(x, parameters[name + ".weight"], parameters[name + ".bias"]);
  }
  Tensor forward(const Tensor& images, const std::vector<int64_t>& depth) const {
    Tensor x = torch::conv2d(images, parameters["stem.conv.weight"], {}, 1, 1);
    for (size_t stage = 0; stage < depth.size(); ++stage) {
      if (stage > 0) {
        const std::string name = base::concat("transition_", stage);
        x = torch::avg_pool2d(torch::conv2d(norm_relu(x, name + ".norm"), parameters[name + ".conv.weight"]), 2);
      }
      for (int64_t k = 0; k < depth[stage]; ++k) {
        const Tensor y = norm_relu(x, of_pairs(stage, k, "norm1.weight", 0), of_pairs(stage, k, "norm1.bias", 0));
        x = torch::cat({x, torch::conv2d(y, of_pairs(stage, k, "conv1.weight", 1), {}, 1, 1)}, 1);
      }
    }
    return torch::linear(norm_relu(x, "head.norm").mean({2, 3}), parameters["head.linear.weight"],
                         parameters["head.linear.bias"]);
  }
};

}  // namespace

TEST_CASE("the dense rule without x[0] is DenseNet: a sum over fresh modules is one convolution of a concatenation") {
  base::seed_torch(1);
  const auto spec = dense_setting({3, 2}, {4, 5}, 1);
  models::OptNet net(tests::rule_of("x[k+1] = sum(j, 0, k, T[k,j](x[j]))"), spec, models::NetworkShape{{3, 8, 8}, 6});
  net->to(torch::kFloat64);
  const Tensor images = torch::randn({4, 3, 8, 8}, torch::kFloat64);
  const Tensor wanted = Concatenated{net->named_parameters()}.forward(images, spec.depth);
  REQUIRE((net->forward(images) - wanted).abs().max().item<double>() < 1e-12);
}

namespace {

const char* const kSum = "x[k+1] = sum(j, 0, k, T[k,j](x[j]))";

models::OptNetSpec compressed(std::vector<int64_t> depth, int64_t growth, double share) {
  const size_t stages = depth.size();
  models::OptNetSpec spec = dense_setting(std::move(depth), std::vector<int64_t>(stages, growth), 1);
  spec.transition = models::DenseTransition{models::Compression{share}};
  return spec;
}

}  // namespace

TEST_CASE("a number as compression takes no rule that adds x[0], no shared module and none that keeps its width") {
  const models::NetworkShape shape{{3, 16, 16}, 6};
  const auto make = [&](const algorithms::Rule& rule, const modules::ModuleSpec& module) {
    models::OptNetSpec spec = compressed({2, 2}, 4, 0.5);
    spec.modules.assign(rule.families().size(), module);
    return models::OptNet(rule, spec, shape);
  };
  for (const algorithms::Rule& rule : explicit_rules()) {
    INFO(rule.name());
    REQUIRE_THROWS_AS(make(rule, modules::ConvSingleSpec{}), base::ConfigError);
    REQUIRE_THROWS_AS(models::check_compression(models::Compression{1.0}, rule, 2), base::ConfigError);
    models::check_compression(models::Compression{}, rule, 2);
  }
  const algorithms::Rule sum = tests::rule_of(kSum);
  modules::ConvPreactSpec two_layers;
  make(sum, two_layers)->forward(torch::randn({2, 3, 16, 16}));
  REQUIRE_THROWS_AS(make(sum, modules::ConvPostactSpec{}), base::ConfigError);
}

TEST_CASE("in the DenseNet setting every explicit rule hands on its outputs after 0, 1, ..., depth steps") {
  const int64_t depth = 4, width = 3;
  for (const algorithms::Rule& rule : explicit_rules()) {
    INFO(rule.name());
    base::seed_torch(2);
    models::OptNetSpec spec = dense_setting({depth}, {width}, rule.families().size());
    for (auto& module : spec.modules) module = modules::DenseTwoLayerSpec{};
    spec.head = models::ReadStateHead{};
    models::OptNet all(rule, spec, models::NetworkShape{{width}, (depth + 1) * width});
    const Tensor x = torch::randn({5, width});
    const Tensor iterates = all->forward(x);
    REQUIRE(torch::allclose(torch::cat(all->path(x), 1), iterates, 1e-5, 1e-6));
    REQUIRE(torch::equal(iterates.narrow(1, 0, width), x));
    spec.transition = models::ConvTransition{};
    for (int64_t k = 1; k <= depth; ++k) {
      spec.depth = {k};
      models::OptNet one(rule, spec, models::NetworkShape{{width}, width});
      copy_parameters(*all, *one);
      REQUIRE(torch::allclose(iterates.narrow(1, k * width, width), one->forward(x), 1e-6, 1e-6));
    }
  }
}

TEST_CASE("every explicit rule trains in the DenseNet setting: a gradient reaches every weight") {
  for (const algorithms::Rule& rule : explicit_rules()) {
    INFO(rule.name());
    base::seed_torch(3);
    models::OptNet net(rule, dense_setting({2, 2}, {4, 6}, rule.families().size()),
                       models::NetworkShape{{3, 8, 8}, 10});
    net->forward(torch::randn({4, 3, 8, 8})).pow(2).sum().backward();
    for (const auto& parameter : net->named_parameters()) {
      INFO(parameter.key());
      REQUIRE(parameter->grad().defined());
      REQUIRE(parameter->grad().abs().sum().item<double>() > 0);
    }
  }
}
