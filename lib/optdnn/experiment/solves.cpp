#include "optdnn/experiment/solves.h"

#include "optdnn/base/random.h"
#include "optdnn/baselines/contraction.h"
#include "optdnn/experiment/network.h"

namespace optdnn::experiment {

namespace {

constexpr int64_t kSolvedSamples = 8;

torch::Tensor normal_inputs(const models::NetworkShape& shape) {
  std::vector<int64_t> sizes{kSolvedSamples};
  sizes.insert(sizes.end(), shape.input.begin(), shape.input.end());
  torch::Tensor inputs = torch::empty(sizes);
  base::RandomStream(0, "inputs").fill_normal({inputs.data_ptr<float>(), static_cast<size_t>(inputs.numel())});
  return inputs;
}

}  // namespace

std::optional<SolveReport> report_solves(const ExperimentSpec& spec) {
  const auto rule = rule_of(spec);
  if (!rule || rule->is_explicit()) return std::nullopt;
  const models::NetworkShape shape = network_shape(spec);
  models::Network network = make_network(spec, shape, spec.seeds.front());
  const int steps = models::longest_run(spec.depth.values, models::state_across(spec.transition));
  SolveReport report{baselines::contraction_factor(*rule, modules_of(spec, *rule), steps), {}};
  const auto radii = baselines::measure_radii(network, normal_inputs(shape));
  auto next = radii.begin();
  for (const auto& stage : network.opt_net->stages())
    report.spectral_radius.push_back(stage->program().solves() ? std::optional((next++)->front()) : std::nullopt);
  return report;
}

}  // namespace optdnn::experiment
