#include "optdnn/experiment/check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "optdnn/base/device.h"
#include "optdnn/base/share_out.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/memory.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/short_training.h"
#include "optdnn/experiment/smallest_batch.h"
#include "optdnn/experiment/trials.h"
#include "optdnn/experiment/universal.h"
#include "optdnn/kernels/workspace.h"
#include "optdnn/training/precision.h"

namespace optdnn::experiment {

namespace {

// Gradient and two moments beside each weight: the most an optimizer here keeps.
constexpr double kTensorsPerWeight = 4;
constexpr int kTimed = 3;

double fastest_of(const std::vector<double>& clock) {
  double fastest_s = std::numeric_limits<double>::infinity();
  for (size_t i = 1; i < clock.size(); ++i) fastest_s = std::min(fastest_s, clock[i] - clock[i - 1]);
  return fastest_s;
}

// Iterations of the row's training by one batch each, at a learning rate that leaves the weights as they are.
void train_shortly(const ExperimentSpec& row, const models::Network& network, const data::DataShape& shape,
                   data::Batch batch, const RunOptions& options, CheckReport& report) {
  ExperimentSpec spec = row;
  spec.train.accumulate = 1;
  spec.train.on_divergence = {};
  training::ConstantSchedule schedule;
  schedule.warmup.emplace().iterations = int64_t{1} << 50;
  const uint64_t seed = spec.seeds.front();
  const ShortTraining training{spec, shape, {seed}, {{seed, {std::move(batch)}}}, schedule, options};
  std::vector<double> clock;
  const kernels::ConvolutionCounts before = kernels::counted_convolutions();
  const auto poll = [&, begun = 0]() mutable {
    base::synchronize(options.device);
    if (begun == 1) report.convolutions = kernels::counted_convolutions() - before;
    if (begun++ >= 1) clock.push_back(options.seconds());  // the first iteration warms up
    return begun > 1 + kTimed;
  };
  ShortRun ran = training.run(network, 2 + kTimed, poll, /*with_losses=*/true);
  report.loss = ran.losses.front();
  report.executors = std::move(ran.executors);
  report.iteration_s = fastest_of(clock) * static_cast<double>(row.train.accumulate);
}

// Every seed with its evaluations, and the trials of the search. Vectors: runs share the cores.
double all_seconds(const Row& row, const CheckReport& report, const data::DataSet& dataset,
                   const data::Loader& loader) {
  const bool together = trains_as_one(row.spec, network_shape(dataset.shape()));
  const double at_once = together ? std::max(1, base::sharing_threads()) : 1;
  const auto batch = static_cast<double>(loader.options().batch_size * row.spec.train.accumulate);
  const auto of = [&](const ExperimentSpec& spec, double runs) {
    const training::Length length = training::length_of(spec.train, loader.batches_per_epoch());
    const auto iterations = static_cast<double>(length.iterations);
    const double evaluations = std::ceil(iterations / static_cast<double>(spec.evaluate.every_iterations(length)));
    const auto evaluated = static_cast<double>(dataset.size(data::Split::test) + dataset.size(data::Split::valid));
    constexpr double kForward = 1.0 / 3;  // of an iteration
    const double one_s = report.iteration_s * (iterations + kForward * evaluations * evaluated / batch);
    return one_s * std::ceil(runs / at_once);
  };
  double all_s = of(row.spec, static_cast<double>(row.spec.seeds.size()));
  if (row.spec.search) {
    const int64_t trials = row.spec.search->trials, confirming = trainings_of(*row.spec.search) - trials;
    all_s +=
        of(as_trial(row.spec), static_cast<double>(trials)) + of(as_trial(row.spec), static_cast<double>(confirming));
  }
  return all_s;
}

}  // namespace

CheckReport check_row(const Row& row, const RunOptions& options, DataSets& datasets) {
  training::check_precision(row.spec.train.precision, torch::Device(options.device));
  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  set_threads(options, dataset.shape());
  const models::NetworkShape shape = network_shape(dataset.shape());
  const models::Network network = make_stacked_network(row.spec, shape, {row.spec.seeds.front()});
  const data::Loader loader = make_loaders(dataset, row.spec, {row.spec.seeds.front()}, 0).train;
  check_smallest_batch(row, dataset, loader);

  const torch::Device device(options.device);
  std::optional<MemoryEstimate> memory;
  if (device.is_cpu()) {
    memory = estimate_memory(row.spec, dataset, loader.options().batch_size, options.loader_threads_of(dataset));
    check_memory(*memory);
  }
  CheckReport report;
  report.cost = count_network(row.spec);
  if (network.opt_net) {
    const auto certificates = certify_stages(*rule_of(row.spec), *network.opt_net);
    report.convergent =
        std::all_of(certificates.begin(), certificates.end(), [](const auto& c) { return c.convergent; });
    report.coupled = !*report.convergent && std::all_of(certificates.begin(), certificates.end(),
                                                        [](const auto& c) { return c.convergent || c.coupled; });
    report.universal = judge_universal(row.spec, certificates).verdict;
  }
  auto batches = loader.epoch(0);
  data::Batch batch;
  std::vector<double> clock = {options.seconds()};
  for (int64_t i = 0; i < std::min<int64_t>(kTimed, loader.batches_per_epoch()); ++i) {
    batch = *batches.next();
    clock.push_back(options.seconds());
  }
  report.batch_s = fastest_of(clock);
  kernels::free_idle_workspaces();
  train_shortly(row.spec, network, dataset.shape(), std::move(batch), options, report);
  const training::Length length = training::length_of(row.spec.train, loader.batches_per_epoch());
  report.warning = warmup_warning(row.spec, length);
  report.iterations = length.iterations;
  report.total_s = report.iteration_s * static_cast<double>(report.iterations);
  report.all_s = all_seconds(row, report, dataset, loader);
  report.memory_mib = report.cost.kept_mib() * static_cast<double>(loader.options().batch_size) +
                      (kTensorsPerWeight * 4.0 * static_cast<double>(report.cost.parameters) +
                       static_cast<double>(kernels::idle_workspace_bytes())) /
                          (1 << 20);
  if (memory) report.memory_mib = memory->peak_mib;
  return report;
}

}  // namespace optdnn::experiment
