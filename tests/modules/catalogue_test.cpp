// Every module of the catalogue: shapes, gradients, shared weights with statistics of their own.
#include "optdnn/modules/catalogue.h"

#include <rapidcheck.h>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "support/catch.h"

using namespace optdnn;
using modules::ModuleSpec;

namespace {

// One default spec per alternative, so that a new module is tested by being listed.
template <size_t... I>
std::vector<ModuleSpec> every_module(std::index_sequence<I...>) {
  return {ModuleSpec(std::in_place_index<I>)...};
}

std::vector<ModuleSpec> every_module() {
  return every_module(std::make_index_sequence<std::variant_size_v<ModuleSpec>>());
}

bool for_images(const ModuleSpec& spec) { return modules::module_traits(spec).on_images; }

torch::Tensor some_state(const ModuleSpec& spec, int64_t width) {
  return for_images(spec) ? torch::randn({3, width, 6, 5}) : torch::randn({3, width});
}

}  // namespace

TEST_CASE("every module keeps the shape of its state and passes a gradient to all its weights") {
  for (const ModuleSpec& spec : every_module()) {
    INFO(modules::module_name(spec));
    base::seed_torch(1);
    const auto module = modules::make_module(spec, 8, 1, for_images(spec));
    const torch::Tensor x = some_state(spec, 8);
    const torch::Tensor y = module->forward(x, 0);
    REQUIRE(y.sizes() == x.sizes());
    (y * torch::randn_like(y)).sum().backward();
    for (const auto& parameter : module->named_parameters()) {
      INFO(parameter.key());
      REQUIRE(parameter->grad().defined());
      REQUIRE(parameter->grad().abs().sum().item<double>() > 0);
    }
  }
}

TEST_CASE("every module's gradient equals finite differences in double precision") {
  for (const ModuleSpec& spec : every_module()) {
    INFO(modules::module_name(spec));
    base::seed_torch(2);
    const auto module = modules::make_module(spec, 4, 1, for_images(spec));
    module->to(torch::kFloat64);
    const torch::Tensor x = some_state(spec, 4).to(torch::kFloat64).requires_grad_();
    const torch::Tensor direction = torch::randn_like(x), weights = torch::randn_like(x);
    const auto value = [&](const torch::Tensor& at) { return (module->forward(at, 0) * weights).sum(); };
    const double slope = (torch::autograd::grad({value(x)}, {x})[0] * direction).sum().item<double>();
    const double h = 1e-6;
    const double difference = (value(x + h * direction) - value(x - h * direction)).item<double>() / (2 * h);
    REQUIRE(slope == Approx(difference).epsilon(1e-5));
  }
}

TEST_CASE("a module scaled by zero at its last layer is zero, whatever its state") {
  for (const ModuleSpec& spec : every_module()) {
    INFO(modules::module_name(spec));
    const auto module = modules::make_module(spec, 8, 1, for_images(spec));
    torch::NoGradGuard no_grad;
    for (torch::Tensor weight : module->last_layer()) weight.zero_();
    REQUIRE(module->forward(some_state(spec, 8), 0).abs().max().item<double>() == 0.0);
  }
}

TEST_CASE("a module at one step is the module") {
  for (const ModuleSpec& spec : every_module()) {
    INFO(modules::module_name(spec));
    base::seed_torch(4);
    const auto module = modules::make_module(spec, 8, 1, for_images(spec));
    module->eval();
    const torch::Tensor x = some_state(spec, 8);
    REQUIRE(torch::equal(module->at_step(0)(x), module->forward(x, 0)));
  }
}

TEST_CASE("a module that couples samples is one whose result for a sample changes with the others") {
  for (const ModuleSpec& spec : every_module()) {
    INFO(modules::module_name(spec));
    base::seed_torch(5);
    const auto module = modules::make_module(spec, 8, 1, for_images(spec));
    const torch::Tensor x = some_state(spec, 8);
    torch::Tensor other = x.clone();
    other[1] = 3.0 * other[1] + 1.0;
    const torch::Tensor before = module->forward(x, 0)[0], after = module->forward(other, 0)[0];
    REQUIRE(modules::module_traits(spec).couples_samples == !torch::allclose(before, after, 1e-4, 1e-5));
  }
}

TEST_CASE("a module with a Lipschitz bound keeps it, however large its weights and its state") {
  std::vector<ModuleSpec> bounded;
  for (const auto& entry : enum_names(modules::Activation{}).entries()) {
    modules::DenseTwoLayerSpec dense;
    modules::ImplicitConvSpec conv;
    dense.activation = conv.activation = entry.value;
    dense.lipschitz = conv.lipschitz = 0.7;
    bounded.emplace_back(dense);
    bounded.emplace_back(conv);
  }
  for (const ModuleSpec& spec : bounded) {
    REQUIRE(modules::module_traits(spec).lipschitz_bound == 0.7);
    for (const double size : {0.1, 1.0, 30.0}) {
      base::seed_torch(6);
      const auto module = modules::make_module(spec, 4, 1, for_images(spec));
      module->to(torch::kFloat64);
      torch::NoGradGuard no_grad;
      for (auto& parameter : module->parameters()) parameter.mul_(size);
      // The largest stretch along the gradient, found by a few products with the Jacobian and its transpose.
      torch::AutoGradMode recorded(true);
      const torch::Tensor x = (2.0 * some_state(spec, 4).to(torch::kFloat64)).requires_grad_();
      torch::Tensor v = torch::randn_like(x), stretch;
      for (int i = 0; i < 30; ++i) {
        const torch::Tensor w = v.detach().requires_grad_(), y = module->forward(x, 0);
        const torch::Tensor down = torch::autograd::grad({y}, {x}, {w}, true, true)[0];         // J^T w
        const torch::Tensor up = torch::autograd::grad({down}, {w}, {down.detach()}, true)[0];  // J J^T w
        stretch = (up.norm() / w.norm()).sqrt();
        v = up / up.norm();
      }
      REQUIRE(stretch.item<double>() <= 0.7 + 1e-9);
      if (size == 1.0) REQUIRE(stretch.item<double>() > 0.02);  // and is not bounded away to nothing
    }
  }
  REQUIRE_FALSE(modules::DenseTwoLayerSpec{}.traits().lipschitz_bound.has_value());
  modules::ImplicitConvSpec weight_norm;
  weight_norm.normalisation = modules::Normalisation::weight;
  REQUIRE_FALSE(weight_norm.traits().lipschitz_bound.has_value());
}

TEST_CASE("shared weights keep the batch statistics of every step apart") {
  const auto module = modules::make_module(modules::ConvPreactSpec{}, 4, 3, true);
  const torch::Tensor before = module->named_buffers()["norm1.running_mean"].clone();
  REQUIRE(before.sizes() == torch::IntArrayRef({3, 4}));
  module->forward(torch::randn({2, 4, 5, 5}) + 7.0, 1);
  const torch::Tensor after = module->named_buffers()["norm1.running_mean"];
  REQUIRE(torch::equal(after[0], before[0]));
  REQUIRE(torch::equal(after[2], before[2]));
  REQUIRE(after[1].min().item<double>() > 0.3);
}

TEST_CASE("a module for images refuses vectors, and the reverse, by name") {
  for (const ModuleSpec& spec : every_module()) {
    REQUIRE_THROWS_AS(modules::make_module(spec, 8, 1, !for_images(spec)), base::ConfigError);
  }
  REQUIRE_THROWS_AS(modules::make_module(modules::ConvBottleneckPreactSpec{}, 6, 1, true), base::ConfigError);
}

TEST_CASE("weights with a leading run dimension compute what each run computes alone") {
  const torch::Tensor x = torch::randn({5, 7, 3}), w = torch::randn({5, 4, 3}), b = torch::randn({5, 4});
  const torch::Tensor together = modules::affine(x, w, b);
  for (int64_t run = 0; run < 5; ++run) {
    REQUIRE(torch::allclose(together[run], modules::affine(x[run], w[run], b[run]), 1e-6, 1e-6));
  }
}
