// What the catalogue's loops do not see: drop path, layer scale, initial weights, images as tokens.
#include "optdnn/base/random.h"
#include "optdnn/modules/catalogue.h"
#include "support/catch.h"

using namespace optdnn;
using modules::ConvNextSpec;
using modules::Steps;
using modules::TransformerSpec;
using torch::Tensor;

namespace {

// How many of `x`'s samples a module maps to zero.
int64_t dropped(modules::Module& module, const Tensor& x, int64_t step) {
  return module.forward(x, step).flatten(1).abs().sum(1).eq(0).sum().item<int64_t>();
}

}  // namespace

TEST_CASE("drop path leaves T out for whole samples, linearly more often towards the last step, never in evaluation") {
  base::seed_torch(3);
  ConvNextSpec spec;
  spec.drop_path = 0.5;
  spec.sharing = modules::Sharing::shared;
  const auto module = modules::make_module(spec, 4, 3, true, Steps{4, 9});  // steps 4, 5, 6 of 0 ... 8
  const Tensor x = torch::randn({4000, 4, 2, 2});
  const double rates[] = {0.25, 0.3125, 0.375};
  for (int64_t step = 0; step < 3; ++step) {
    REQUIRE(static_cast<double>(dropped(*module, x, step)) / 4000 == Approx(rates[step]).margin(0.03));
  }
  module->eval();
  REQUIRE(dropped(*module, x, 2) == 0);
}

TEST_CASE("what drop path keeps is scaled up, so that the mean stays") {
  base::seed_torch(5);
  const Tensor x = torch::ones({20000, 1});
  const Tensor y = modules::drop_path(x, 0.2, true);
  REQUIRE(y.mean().item<double>() == Approx(1.0).margin(0.02));
  REQUIRE(y.max().item<double>() == Approx(1.25));
  REQUIRE(torch::equal(modules::drop_path(x, 0.2, false), x));
}

TEST_CASE("the transformer drops attention and network apart") {
  base::seed_torch(7);
  TransformerSpec spec;
  spec.drop_path = 0.5;
  const auto module = modules::make_module(spec, 8, 1, true, Steps{1, 2});
  const Tensor x = torch::randn({2000, 3, 8});
  REQUIRE(static_cast<double>(dropped(*module, x, 0)) / 2000 == Approx(0.25).margin(0.04));
}

TEST_CASE("initial weights are normal of deviation 0.02, biases zero, the layer scale as given") {
  base::seed_torch(1);
  for (const modules::ModuleSpec& spec :
       {modules::ModuleSpec(ConvNextSpec{}), modules::ModuleSpec(TransformerSpec{})}) {
    const auto module = modules::make_module(spec, 64, 1, true);
    for (const auto& parameter : module->named_parameters()) {
      INFO(parameter.key());
      if (parameter->dim() >= 2) REQUIRE(parameter->std().item<double>() == Approx(0.02).epsilon(0.05));
      if (parameter.key().ends_with("bias")) REQUIRE(parameter->abs().max().item<double>() == 0.0);
      if (parameter.key() == "gamma") REQUIRE(parameter->min().item<double>() == Approx(1e-6));
    }
  }
}

TEST_CASE("the pixels of an image are its tokens") {
  base::seed_torch(2);
  const auto module = modules::make_module(TransformerSpec{}, 8, 1, true);
  const Tensor image = torch::randn({2, 8, 3, 5});
  const Tensor tokens = module->forward(image.flatten(2).transpose(1, 2), 0);
  REQUIRE(torch::allclose(module->forward(image, 0).flatten(2).transpose(1, 2), tokens, 1e-6, 1e-7));
}
