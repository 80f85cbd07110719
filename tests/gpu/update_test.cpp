// An update of all weights by the project's kernels against the operators in their place. Also for the make-believe
// device, where the same text runs emulated.
#include "optdnn/kernels/launcher.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/training/weight_update.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using namespace optdnn::training;
using torch::Tensor;

namespace {

constexpr int64_t kTensors = 260;  // more than a launch takes, of either kernel

OptimizerSpec momentum_spec(double momentum, bool nesterov) {
  SgdSpec spec;
  spec.momentum = momentum;
  spec.nesterov = nesterov;
  spec.weight_decay = 0.05;
  spec.decay_on = DecayOn::weights;
  return spec;
}

template <class Spec>
OptimizerSpec adam_spec() {
  Spec spec;
  spec.learning_rate = 0.01;
  spec.weight_decay = 0.05;
  spec.decay_on = DecayOn::weights;
  return spec;
}

std::map<std::string, OptimizerSpec> optimizers() {
  return {{"plain", momentum_spec(0, false)},
          {"momentum", momentum_spec(0.9, false)},
          {"nesterov", momentum_spec(0.9, true)},
          {"adam", adam_spec<AdamSpec>()},
          {"adamw", adam_spec<AdamwSpec>()}};
}

// Tensors of every size and layout, one that is held, one without a gradient, and statistics.
struct ManyImpl : torch::nn::Module {
  ManyImpl(const torch::Device& device, int64_t runs) {
    torch::manual_seed(7);
    const auto add = [&](const Tensor& weights) {
      const Tensor stacked = runs > 1 ? torch::stack(std::vector<Tensor>(runs, weights)) : weights;
      register_parameter("p" + std::to_string(parameters(false).size()), stacked.to(device));
    };
    add(torch::randn({8, 3, 3, 3})
            .contiguous(runs > 1 ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast));
    add(torch::randn({1031}));
    add(torch::randn({5, 7}));
    add(torch::randn({1}));
    while (std::ssize(parameters(false)) < kTensors) add(torch::randn({1 + std::ssize(parameters(false)) % 5}));
    parameters(false)[5].set_requires_grad(false);
    statistics = register_buffer("statistics", torch::randn({9}).to(device));
  }
  Tensor statistics;
};
TORCH_MODULE(Many);

struct Updated {
  TensorMap state;  // weights, moments, averages, scale, and what the guard knows
  std::map<std::string, int64_t> launches;
};

struct HowToUpdate {
  std::optional<double> clip = {};
  bool scales = false, averages = false;
  int64_t runs = 1;
  int bad_gradient = -1, bad_loss = -1;  // in which iteration
};

Updated updated(const OptimizerSpec& spec, const HowToUpdate& how, const torch::Device& device) {
  Many many(device, how.runs);
  const NamedParameters parameters = trainable_parameters(*many);
  const auto optimizer = make_optimizer(spec, parameters, how.runs > 1);
  std::optional<Ema> ema;
  std::optional<LossScale> scale;
  if (how.averages) ema.emplace(*many, 0.9);
  if (how.scales) scale.emplace(device);
  DivergenceGuard guard(/*deferred=*/true, device, Length{100, 10}, 1, how.runs);
  WeightUpdate update({parameters, *optimizer, guard, ema, scale, how.clip, false, how.runs}, device);
  const auto launched = [&] {
    kernels::Launcher* launcher = kernels::launcher(device);
    return launcher ? launcher->launches() : std::map<std::string, int64_t>{};
  };
  const auto before = launched();
  for (int iteration = 0; iteration < 4; ++iteration) {
    guard.begin(iteration);
    update.begin(0.1 / (1 + iteration));
    Tensor losses = torch::ones({how.runs}).to(device);
    if (iteration == how.bad_loss) losses.select(0, how.runs - 1).fill_(std::numeric_limits<float>::quiet_NaN());
    guard.watch(how.runs > 1 ? losses : losses.squeeze(0), "loss");
    torch::manual_seed(iteration);
    for (size_t i = 0; i < parameters.size(); ++i) {
      Tensor gradient = torch::randn(parameters[i].second.sizes()).mul(how.scales ? 65536.0 : 1.0).to(device);
      if (iteration == how.bad_gradient && i == 100) gradient.select(0, 0).fill_(INFINITY);
      // The operators want gradients that lie as the weights do.
      if (!kernels::launcher(device)) gradient = kernels::laid_as(gradient, parameters[i].second.strides());
      if (i != 7) parameters[i].second.mutable_grad() = gradient;
    }
    many->statistics.add_(1);
    update.run();
    CHECK_FALSE(parameters[0].second.grad().defined());
  }
  Updated result;
  for (const auto& [name, tensor] : training::named_weights(*many)) result.state["weights/" + name] = tensor;
  for (const auto& [name, tensor] : optimizer->state()) result.state["optimizer/" + name] = tensor;
  for (const auto& [name, tensor] : ema ? ema->state() : TensorMap{}) result.state["averages/" + name] = tensor;
  for (const auto& [name, tensor] : scale ? scale->state() : TensorMap{}) result.state["scale/" + name] = tensor;
  result.state["first bad batch"] = guard.first_bad();
  for (const auto& [name, times] : launched()) {
    const auto was = before.find(name);
    const int64_t more = times - (was == before.end() ? 0 : was->second);
    if (more > 0) result.launches[name] = more;
  }
  return result;
}

int64_t launched(const Updated& updated, const std::string& kernel) {
  int64_t all = 0;
  for (const auto& [name, times] : updated.launches) all += name.starts_with(kernel) ? times : 0;
  return all;
}

// By kernels, then by operators. `same`: what is compared, by the beginning of its name.
Updated check_update(const OptimizerSpec& spec, const HowToUpdate& how, const torch::Device& device,
                     const std::string& same = "") {
  const Updated found = updated(spec, how, device);
  const Updated wanted = without_kernels([&] { return updated(spec, how, device); });
  CHECK(launched(found, "update_weights") == 4 * 5);
  CHECK(launched(found, "weigh_gradients") == (how.clip || how.scales ? 8 : 0));
  CHECK(launched(found, "watch_values") == 4);
  CHECK(wanted.launches.empty());
  REQUIRE(found.state.size() == wanted.state.size());
  for (const auto& [name, tensor] : wanted.state) {
    CAPTURE(name);
    if (name.starts_with(same))
      CHECK(at::allclose(wide(found.state.at(name)), wide(tensor), 1e-5, 1e-6, /*equal_nan=*/true));
  }
  return found;
}

}  // namespace

TEST_CASE("kernels update all weights as the operators do, by every optimizer, whatever takes part") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const auto& [name, spec] : optimizers()) {
    CAPTURE(name);
    check_update(spec, {}, gpu->device);
    check_update(spec, {.clip = 3.0, .averages = true}, gpu->device);
    check_update(spec, {.clip = 1e3, .scales = true}, gpu->device);
  }
}

TEST_CASE("kernels skip the update whose gradients are not finite, or all later ones, and say when it was") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const auto& [name, spec] : optimizers()) {
    CAPTURE(name);
    const auto skipped = check_update(spec, {.scales = true, .averages = true, .bad_gradient = 1}, gpu->device);
    CHECK(skipped.state.at("scale/scale").item<float>() == 32768);
    CHECK(skipped.state.at("first bad batch").item<int64_t>() == -1);
    const auto clipped = check_update(spec, {.clip = 3.0, .averages = true, .bad_gradient = 2}, gpu->device);
    CHECK(clipped.state.at("first bad batch").item<int64_t>() == 2);
    const auto lost = check_update(spec, {.bad_loss = 1}, gpu->device);
    CHECK(lost.state.at("first bad batch").item<int64_t>() == 1);
    CHECK(lost.state.at("weights/p1").isfinite().all().item<bool>());
  }
}

TEST_CASE("kernels keep the weights of a run that diverged, and update the others") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const auto& [name, spec] : optimizers()) {
    CAPTURE(name);
    const auto found = check_update(spec, {.averages = true, .runs = 3, .bad_loss = 2}, gpu->device, "weights");
    CHECK(found.state.at("first bad batch").cpu().equal(torch::tensor({-1, -1, 2}, torch::kInt64)));
    const Tensor weights = found.state.at("weights/p1").cpu();
    CHECK_FALSE(weights[0].equal(weights[2]));
  }
}

TEST_CASE("the scale of the loss grows after many updates without an overflow, and never beyond float32") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const auto after = [&](float scale_before, int growth_before) {
    const Tensor weight = torch::ones({3}).to(gpu->device).requires_grad_();
    const NamedParameters parameters = {{"weight", weight}};
    const auto optimizer = make_optimizer(momentum_spec(0.9, false), parameters);
    std::optional<Ema> none;
    std::optional<LossScale> scale(gpu->device);
    Tensor number = scale->state().at("scale"), growth = scale->state().at("growth");
    number.fill_(scale_before);
    growth.fill_(growth_before);
    DivergenceGuard guard(true, gpu->device, Length{100, 10}, 1);
    WeightUpdate update({parameters, *optimizer, guard, none, scale}, gpu->device);
    update.begin(0.1);
    weight.mutable_grad() = torch::ones({3}).to(gpu->device);
    update.run();
    return std::pair{number.item<float>(), growth.item<int>()};
  };
  for (const bool by_kernels : {true, false}) {
    const auto without = by_kernels ? nullptr : std::make_unique<WithoutKernels>();
    CHECK(after(1024, 7) == std::pair{1024.0f, 8});
    CHECK(after(1024, 1999) == std::pair{2048.0f, 0});
    CHECK(after(std::ldexp(1.0f, 127), 1999) == std::pair{std::ldexp(1.0f, 127), 0});
  }
}
