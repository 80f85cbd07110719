// Counts from specs against networks that are built: parameters and what LibTorch executes, exactly; memory roughly.
#include "models/rules.h"
#include "models/vision_nets.h"
#include "optdnn/base/random.h"
#include "optdnn/baselines/catalogue.h"
#include "optdnn/baselines/cost.h"

using namespace optdnn;
using modules::Count;

namespace {

const models::NetworkShape kImages{{3, 16, 12}, 5}, kVectors{{3}, 2};

// Of one sample more: what depends on the weights alone is done once a batch.
template <class Forward>
int64_t executed(const std::vector<int64_t>& sample, Forward forward) {
  const auto of = [&](int64_t batch) {
    std::vector<int64_t> sizes{batch};
    sizes.insert(sizes.end(), sample.begin(), sample.end());
    const torch::NoGradGuard no_grad;
    return baselines::count_multiply_adds([&] { forward(torch::zeros(sizes)); });
  };
  return of(3) - of(2);
}

// `roughly`: how far the memory may be off, as a factor.
void require_counts(const Count& count, models::Network network, const models::NetworkShape& shape, double roughly) {
  torch::nn::Module& module = *network.module.ptr();
  CHECK(count.parameters == baselines::count_parameters(module));
  const auto solves = solvers::fixed_points(module);
  for (const auto& solve : solves) solve->set_mode(solvers::FixedPointImpl::Mode::cost);
  module.eval();
  CHECK(count.multiply_adds == executed(shape.input, [&](const torch::Tensor& x) { return network.forward(x); }));
  for (const auto& solve : solves) solve->set_mode(solvers::FixedPointImpl::Mode::normal);
  const double measured_mib = baselines::measure_cost(network, shape).activation_mib_per_sample;
  CAPTURE(count.kept_mib(), measured_mib);
  CHECK(count.kept_mib() < roughly * measured_mib);
  CHECK(measured_mib < roughly * count.kept_mib());
}

solvers::SolverSpec picard(int64_t steps) {  // needs no products of its own
  solvers::PicardSpec spec;
  spec.steps = steps;
  return spec;
}

template <class Variant, size_t... I>
std::vector<Variant> alternatives(std::index_sequence<I...>) {
  return {Variant(std::in_place_index<I>)...};
}
template <class Variant>
std::vector<Variant> alternatives() {
  return alternatives<Variant>(std::make_index_sequence<std::variant_size_v<Variant>>());
}

// Every module as it is by default, and with every norm and activation it takes.
std::vector<modules::ModuleSpec> module_variants() {
  std::vector<modules::ModuleSpec> variants = alternatives<modules::ModuleSpec>();
  for (const modules::ModuleSpec& spec : alternatives<modules::ModuleSpec>()) {
    std::visit(
        [&](auto chosen) {
          if constexpr (requires { chosen.activation; }) {
            for (const auto& entry : enum_names(modules::Activation{}).entries()) {
              chosen.activation = entry.value;
              variants.emplace_back(chosen);
            }
          }
          if constexpr (requires { chosen.norm; }) {
            for (const auto& entry : enum_names(modules::NormKind{}).entries()) {
              chosen.norm = entry.value;
              variants.emplace_back(chosen);
            }
          }
          if constexpr (requires { chosen.layer_scale; }) {
            chosen.layer_scale = 0;
            variants.emplace_back(chosen);
          }
          if constexpr (requires { chosen.normalisation; }) {
            chosen.normalisation = modules::Normalisation::weight;
            variants.emplace_back(chosen);
          }
        },
        spec);
  }
  return variants;
}

}  // namespace

TEST_CASE("every module has the parameters and multiply-adds that its spec counts") {
  for (const modules::ModuleSpec& spec : module_variants()) {
    INFO(modules::module_name(spec));
    const bool image = modules::module_traits(spec).on_images;
    const modules::Extent at = image ? modules::Extent{6, 5} : modules::Extent{};
    const auto module = modules::make_module(spec, 8, 1, image);
    module->eval();
    const Count count = modules::count_module(spec, 8, at);
    CHECK(count.parameters == baselines::count_parameters(*module));
    const std::vector<int64_t> sample = image ? std::vector<int64_t>{8, 6, 5} : std::vector<int64_t>{8};
    CHECK(count.multiply_adds == executed(sample, [&](const torch::Tensor& x) { return module->forward(x, 0); }));
  }
}

TEST_CASE("every baseline costs what its spec counts") {
  for (baselines::ModelSpec spec : alternatives<baselines::ModelSpec>()) {
    const bool vectors =
        std::holds_alternative<baselines::MlpSpec>(spec) || std::holds_alternative<baselines::DenseMlpSpec>(spec);
    std::visit(
        [](auto& chosen) {
          if constexpr (requires { chosen.solver; }) chosen.solver = picard(3);
          if constexpr (requires { chosen.widening; }) chosen.layers = 10, chosen.widening = 2;
        },
        spec);
    INFO(std::visit([](const auto& chosen) { return chosen.kName; }, spec));
    const models::NetworkShape& shape = vectors ? kVectors : kImages;
    // mondeq keeps its resolvent too, once a batch, of which a quarter is measured for a sample.
    const double roughly = std::holds_alternative<baselines::MonDeqSpec>(spec) ? 40.0 : 2.5;
    require_counts(baselines::count_baseline(spec, shape), baselines::make_baseline(spec, shape), shape, roughly);
  }
  const std::vector<baselines::ModelSpec> variants = {
      baselines::ResNetSpec{14, 8, baselines::Shortcut::b, baselines::BlockOrder::post},
      baselines::ResNetSpec{14, 8, baselines::Shortcut::a, baselines::BlockOrder::pre},
      baselines::DenseNetSpec{22, 6, true, 0.5, false}, baselines::DenseNetSpec{22, 6, true, 0.5, true}};
  for (const baselines::ModelSpec& spec : variants)
    require_counts(baselines::count_baseline(spec, kImages), baselines::make_baseline(spec, kImages), kImages, 2.5);
}

TEST_CASE("the run of every rule costs what its spec counts, whatever leads from stage to stage") {
  models::PadTransition carried;
  carried.state = models::StateAcross::carry;
  const std::vector<models::TransitionSpec> transitions = {models::PadTransition{}, models::ConvTransition{},
                                                           models::DenseTransition{}, carried};
  for (const auto& entry : algorithms::catalogue()) {
    const algorithms::Rule rule = tests::catalogue_rule(entry.name);
    for (const models::TransitionSpec& transition : transitions) {
      INFO(entry.name << ", transition " << transition.index());
      models::OptNetSpec spec;
      modules::ConvPreactSpec module;
      if (!rule.is_explicit()) module.norm = modules::NormKind::group;
      spec.modules.assign(rule.families().size(), module);
      spec.depth = {3, 2};
      spec.width = {4, 8};
      spec.transition = transition;
      spec.solver = picard(3);
      const Count count = models::count_opt_net(models::count_uses(rule, spec), spec, kImages);
      require_counts(count, models::make_opt_net(rule, spec, kImages), kImages, 2.5);
    }
  }
}

TEST_CASE("stems and heads of images and vectors are counted, learnt coefficients too") {
  std::vector<algorithms::Coefficient> learned(1);
  learned[0].name = "gamma";
  learned[0].value = 1.5;
  learned[0].learn = algorithms::Learn::per_step;
  const algorithms::Rule rule = tests::catalogue_rule("apg2", learned);
  const models::NetworkShape images{{3, 32, 32}, 5};
  std::vector<std::pair<models::OptNetSpec, models::NetworkShape>> nets = {
      {tests::convnext_spec({2, 1}, {8, 16}), images}, {tests::vit_spec(2, 16, 4), images}};
  for (const int64_t width : {3, 6}) {
    models::OptNetSpec plain;
    plain.modules = {modules::DenseTwoLayerSpec{}};
    plain.depth = {2};
    plain.width = {width};
    nets.emplace_back(plain, kVectors);
    plain.stem = models::ZeroPadStem{};
    plain.head = models::ReadStateHead{};
    nets.emplace_back(plain, kVectors);
  }
  for (const auto& [spec, shape] : nets) {
    const Count count = models::count_opt_net(models::count_uses(rule, spec), spec, shape);
    require_counts(count, models::make_opt_net(rule, spec, shape), shape, 4.0);
  }
}
