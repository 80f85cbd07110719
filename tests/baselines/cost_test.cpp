// Published parameter and multiply-add counts, and the counter against formulas.
#include "optdnn/baselines/cost.h"
#include "optdnn/baselines/catalogue.h"

#include "models/rules.h"
#include "optdnn/base/random.h"

using namespace optdnn;

namespace {

const models::NetworkShape kCifar{{3, 32, 32}, 10};

baselines::Cost cost_of(const baselines::ModelSpec& spec) {
  models::Network network = baselines::make_baseline(spec, kCifar);
  return baselines::measure_cost(network, kCifar);
}

double millions(int64_t count) { return static_cast<double>(count) / 1e6; }

}  // namespace

TEST_CASE("the published CIFAR ResNets have their published parameters and multiply-adds") {
  struct Published {
    int64_t layers;
    double parameters_m, multiply_adds_m;
  };
  // He et al. 2016, Table 6, and multiply-adds as printed by many; both to the printed digit.
  for (const auto& row :
       {Published{20, 0.27, 40.6}, {32, 0.46, 68.9}, {44, 0.66, 97.2}, {56, 0.85, 125.5}, {110, 1.7, 252.9}}) {
    INFO(row.layers);
    const baselines::Cost cost = cost_of(baselines::ResNetSpec{row.layers});
    REQUIRE(millions(cost.parameters) == Approx(row.parameters_m).margin(row.layers == 110 ? 0.05 : 0.0051));
    REQUIRE(millions(cost.multiply_adds) == Approx(row.multiply_adds_m).margin(0.05));
  }
}

TEST_CASE("the published wide ResNets have their published parameters") {
  struct Published {
    int64_t layers, widening;
    double parameters_m;
  };
  // Zagoruyko, Komodakis 2016, Tables 4 and 5, to the printed digit.
  for (const auto& row : {Published{40, 1, 0.6}, {40, 2, 2.2}, {40, 4, 8.9}, {16, 8, 11.0}, {28, 10, 36.5}}) {
    INFO(row.layers << "-" << row.widening);
    models::Network network = baselines::make_baseline(baselines::WrnSpec{row.layers, row.widening}, kCifar);
    REQUIRE(millions(baselines::count_parameters(*network.module.ptr())) == Approx(row.parameters_m).margin(0.05));
  }
}

TEST_CASE("the published DenseNets have their published parameters and multiply-adds") {
  // Huang et al. 2017, Table 2, and the ancestor of 2018, to the printed digit.
  const baselines::Cost plain = cost_of(baselines::DenseNetSpec{40, 12}),
                        deeper = cost_of(baselines::DenseNetSpec{52, 12});
  REQUIRE(millions(plain.parameters) == Approx(1.0).margin(0.05));
  REQUIRE(millions(plain.multiply_adds) == Approx(264.8).margin(0.05));
  REQUIRE(millions(deeper.multiply_adds) == Approx(459.3).margin(0.05));
  REQUIRE(millions(cost_of(baselines::DenseNetSpec{100, 12}).parameters) == Approx(7.0).margin(0.05));
  REQUIRE(millions(cost_of(baselines::DenseNetSpec{100, 12, true, 0.5}).parameters) == Approx(0.8).margin(0.05));
}

TEST_CASE("multiply-adds of a vector network are the products of its widths, once per use") {
  models::OptNetSpec spec;
  spec.modules = {modules::DenseTwoLayerSpec{16, modules::Activation::tanh, modules::Sharing::shared}};
  spec.depth = {15};
  spec.width = {2};
  const models::NetworkShape shape{{2}, 2};
  models::Network network = models::make_opt_net(tests::catalogue_rule("apg2"), spec, shape);
  REQUIRE(baselines::measure_cost(network, shape).multiply_adds == 15 * (2 * 16 + 16 * 2) + 2 * 2);
}

TEST_CASE("measuring leaves weights and statistics as they were") {
  models::Network network = baselines::make_baseline(baselines::ResNetSpec{}, kCifar);
  std::vector<torch::Tensor> before;
  for (const auto& tensor : network.module.ptr()->buffers()) before.push_back(tensor.clone());
  const baselines::Cost cost = baselines::measure_cost(network, kCifar);
  for (size_t i = 0; i < before.size(); ++i) REQUIRE(torch::equal(before[i], network.module.ptr()->buffers()[i]));
  REQUIRE(cost.activation_mib_per_sample > 1.0);
}

TEST_CASE(
    "a rule's averaging costs no multiply-adds: every rule with one call a step costs what gradient_descent does") {
  models::OptNetSpec spec;
  spec.modules = {modules::ConvPreactSpec{}};
  spec.depth = {2, 2};
  spec.width = {4, 8};
  const models::NetworkShape shape{{3, 8, 8}, 10};
  models::Network plain = models::make_opt_net(tests::catalogue_rule("gradient_descent"), spec, shape);
  const int64_t expected = baselines::measure_cost(plain, shape).multiply_adds;
  for (const char* name : {"heavy_ball", "nesterov", "nesterov_dense", "apg", "apg2", "heavy_ball_2018", "momentum"}) {
    INFO(name);
    models::Network network = models::make_opt_net(tests::catalogue_rule(name), spec, shape);
    REQUIRE(baselines::measure_cost(network, shape).multiply_adds == expected);
  }
}

TEST_CASE("a complex product counts as four real ones, and an FFT by its size") {
  const auto complex = torch::TensorOptions(torch::kComplexFloat);
  const torch::Tensor a = torch::zeros({5, 2, 3}, complex), b = torch::zeros({5, 3, 4}, complex);
  REQUIRE(baselines::count_multiply_adds([&] { a.bmm(b); }) == 4 * 5 * 2 * 3 * 4);
  const torch::Tensor images = torch::zeros({2, 3, 8, 16});
  const int64_t transform = 2 * 3 * 5 * (8 * 16) * 7 / 2;  // 2.5 n log2 n of every image
  REQUIRE(baselines::count_multiply_adds([&] { torch::fft_rfft2(images); }) == transform);
  const torch::Tensor spectrum = torch::fft_rfft2(images);
  const auto inverse = [&] { torch::fft_irfft2(spectrum, std::vector<int64_t>{8, 16}); };
  REQUIRE(baselines::count_multiply_adds(inverse) == transform);
}
