// DenseNet is a rule: the sum over fresh modules in the DenseNet setting, with a number as compression.
#include "models/rules.h"
#include "optdnn/base/random.h"
#include "optdnn/baselines/catalogue.h"
#include "optdnn/baselines/cost.h"
#include "optdnn/baselines/densenet.h"
#include "optdnn/models/count.h"

using namespace optdnn;
using torch::Tensor;

namespace {

const char* const kDenseSum = "x[k+1] = sum(j, 0, k, T[k,j](x[j]))";

models::OptNetSpec densenet_setting(const std::vector<int64_t>& depth, int64_t growth, double share) {
  models::OptNetSpec spec;
  spec.modules = {modules::ConvSingleSpec{}};
  spec.depth = depth;
  spec.width.assign(depth.size(), growth);
  spec.transition = models::DenseTransition{models::Compression{share}};
  return spec;
}

// The weights of T[k,j], j = 0 ... k, side by side: those of DenseNet's layer k.
Tensor of_pairs(const torch::OrderedDict<std::string, Tensor>& weights, size_t stage, int64_t k,
                const std::string& name, int64_t dim) {
  std::vector<Tensor> parts;
  for (int64_t j = 0; j <= k; ++j) parts.push_back(weights[base::concat("stage_", stage, ".T.", k, "_", j, ".", name)]);
  return torch::cat(parts, dim);
}

}  // namespace

TEST_CASE(
    "the sum over fresh modules in the DenseNet setting with compression 1 is DenseNet-40, to the last parameter") {
  const models::NetworkShape cifar{{3, 32, 32}, 10};
  models::Network rule =
      models::make_opt_net(tests::rule_of(kDenseSum), densenet_setting({12, 12, 12}, 12, 1.0), cifar);
  const baselines::Cost cost = baselines::measure_cost(rule, cifar);
  models::Network published = baselines::make_baseline(baselines::DenseNetSpec{40, 12}, cifar);
  const models::OptNetSpec spec = densenet_setting({12, 12, 12}, 12, 1.0);
  const models::Count counted = models::count_opt_net(models::count_uses(tests::rule_of(kDenseSum), spec), spec, cifar);
  REQUIRE(counted.parameters == 1019722);
  REQUIRE(counted.multiply_adds == cost.multiply_adds);
  REQUIRE(cost.parameters == 1019722);
  REQUIRE(cost.parameters == baselines::count_parameters(*published.module.ptr()));
  REQUIRE(cost.multiply_adds == baselines::measure_cost(published, cifar).multiply_adds);
  REQUIRE(static_cast<double>(cost.multiply_adds) / 1e6 == Approx(264.8).margin(0.05));
}

TEST_CASE("with its weights side by side, the rule's outputs are DenseNet's, for any compression") {
  const models::NetworkShape shape{{3, 16, 16}, 6};
  for (const double share : {1.0, 0.5}) {
    base::seed_torch(4);
    models::OptNet net(tests::rule_of(kDenseSum), densenet_setting({2, 2, 2}, 4, share), shape);
    baselines::DenseNetSpec published{10, 4};
    published.compression = share;
    baselines::DenseNet dense(published, shape);
    const auto pairs = net->named_parameters();
    torch::NoGradGuard no_grad;
    for (auto& parameter : dense->named_parameters()) {
      const std::string& name = parameter.key();  // block_1_0.conv1.weight, or as in the rule
      if (!name.starts_with("block_")) {
        parameter->copy_(pairs[name]);
        continue;
      }
      const bool conv = name.find("conv") != std::string::npos;
      parameter->copy_(
          of_pairs(pairs, static_cast<size_t>(name[6] - '0'), name[8] - '0', name.substr(10), conv ? 1 : 0));
    }
    net->to(torch::kFloat64);
    dense->to(torch::kFloat64);
    const Tensor images = torch::randn({4, 3, 16, 16}, torch::kFloat64);
    REQUIRE((net->forward(images) - dense->forward(images)).abs().max().item<double>() < 1e-12);
  }
}
