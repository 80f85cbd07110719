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
#include "optdnn/experiment/smallest_batch.h"
#include "optdnn/experiment/trials.h"
#include "optdnn/experiment/universal.h"
#include "optdnn/experiment/weights.h"
#include "optdnn/kernels/workspace.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

namespace {

// Gradient and two moments beside each weight: the most an optimizer here keeps.
constexpr double kTensorsPerWeight = 4;
constexpr int kTimedPasses = 3;

template <class Pass>
double fastest_of(int64_t passes, const RunOptions& options, Pass pass) {
  double fastest_s = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < passes; ++i) {
    const double begin = options.seconds();
    pass();
    fastest_s = std::min(fastest_s, options.seconds() - begin);
  }
  return fastest_s;
}

// One pass the way the trainer makes it.
double forward_and_back(models::Network& network, const data::Batch& batch, const training::Loss& loss,
                        const training::TrainSpec& train, const torch::Device& device) {
  const torch::Tensor inputs = training::prepared(batch.inputs, device, train.precision, train.channels_last);
  torch::Tensor outputs;
  {
    const training::Autocast autocast(train.precision, device);
    outputs = network.forward(inputs);
  }
  const torch::Tensor value = loss.mean(outputs, training::prepared(batch.targets, device, train.precision));
  value.backward();
  return value.item<double>();
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
    constexpr double kConfirmed = 9;  // the best three on three seeds
    all_s += of(as_trial(row.spec), static_cast<double>(row.spec.search->trials)) + of(as_trial(row.spec), kConfirmed);
  }
  return all_s;
}

}  // namespace

CheckReport check_row(const Row& row, const RunOptions& options, DataSets& datasets) {
  training::check_precision(row.spec.train.precision, torch::Device(options.device));
  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  set_threads(options, dataset.shape());
  const models::NetworkShape shape = network_shape(dataset.shape());
  models::Network network = make_network(row.spec, shape, row.spec.seeds.front());
  force_executor(network, options.executor);
  if (row.spec.init.from) begin_at(*network.module.ptr(), *row.spec.init.from);
  training::freeze_parameters(*network.module.ptr(), training::groups_of(row.spec.optimizer));
  const auto loss_spec = row.spec.loss.value_or(training::default_loss(dataset.shape()));
  training::check_loss(loss_spec, dataset.shape());
  const data::Loader loader = make_loaders(dataset, row.spec, {row.spec.seeds.front()}, 0).train;
  check_smallest_batch(row, dataset, loader);

  const torch::Device device(options.device);
  std::optional<MemoryEstimate> memory;
  if (device.is_cpu()) {
    memory = estimate_memory(row.spec, dataset.shape(), loader.options().batch_size, options.loader_threads);
    check_memory(*memory);
  }
  CheckReport report;
  report.cost = count_network(row.spec);
  training::prepare_network(*network.module.ptr(), device, row.spec.train.precision, row.spec.train.channels_last);
  auto batches = loader.epoch(0);
  data::Batch batch;
  report.batch_s = fastest_of(std::min<int64_t>(kTimedPasses, loader.batches_per_epoch()), options,
                              [&] { batch = *batches.next(); });
  const auto loss = training::make_loss(loss_spec);
  kernels::free_idle_workspaces();
  const kernels::ConvolutionCounts before = kernels::counted_convolutions();
  report.loss = forward_and_back(network, batch, loss, row.spec.train, device);  // the first pass also warms up
  report.convolutions = kernels::counted_convolutions() - before;
  if (!std::isfinite(report.loss)) throw base::DivergedError("the loss of the first batch is not finite");
  report.iteration_s = fastest_of(kTimedPasses, options,
                                  [&] {
                                    forward_and_back(network, batch, loss, row.spec.train, device);
                                    base::synchronize(options.device);
                                  }) *
                       static_cast<double>(row.spec.train.accumulate);
  report.executors = executors_of(network);
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
  if (network.opt_net) {
    const auto certificates = certify_stages(*rule_of(row.spec), *network.opt_net);
    report.convergent =
        std::all_of(certificates.begin(), certificates.end(), [](const auto& c) { return c.convergent; });
    report.universal = judge_universal(row.spec, certificates).verdict;
  }
  return report;
}

}  // namespace optdnn::experiment
