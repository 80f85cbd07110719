#include "optdnn/experiment/check.h"

#include <algorithm>
#include <limits>

#include "optdnn/base/device.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

namespace {

// Gradient and two moments beside each weight: the most an optimizer here keeps.
constexpr double kTensorsPerWeight = 4;
constexpr int kTimedPasses = 3;

double forward_and_back(models::Network& network, const data::Batch& batch, const training::Loss& loss,
                        const torch::Device& device) {
  const torch::Tensor value = loss.mean(network.forward(batch.inputs.to(device)), batch.targets.to(device));
  value.backward();
  return value.item<double>();
}

}  // namespace

CheckReport check_row(const Row& row, const RunOptions& options, DataSets& datasets) {
  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  const models::NetworkShape shape = network_shape(dataset.shape());
  models::Network network = make_network(row.spec, shape, row.spec.seeds.front());
  const auto loss_spec = row.spec.loss.value_or(training::default_loss(dataset.shape()));
  training::check_loss(loss_spec, dataset.shape());
  const int64_t batch_size = std::min(data::batch_size(row.spec.dataset), dataset.size(data::Split::train));
  const data::Loader loader(dataset, {data::Split::train, batch_size, row.spec.seeds.front(), 0, true});

  CheckReport report;
  report.cost = models::measure_cost(network, shape);
  const torch::Device device(options.device);
  network.module.ptr()->to(device);
  const data::Batch batch = *loader.epoch(0).next();
  const auto loss = training::make_loss(loss_spec);
  report.loss = forward_and_back(network, batch, loss, device);  // the first pass also warms up
  double fastest_s = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTimedPasses; ++i) {
    const double begin = options.seconds();
    forward_and_back(network, batch, loss, device);
    base::synchronize(options.device);
    fastest_s = std::min(fastest_s, options.seconds() - begin);
  }
  report.iteration_s = fastest_s * static_cast<double>(row.spec.train.accumulate);
  report.iterations = training::length_of(row.spec.train, loader.batches_per_epoch()).iterations;
  report.total_s = report.iteration_s * static_cast<double>(report.iterations);
  report.memory_mib = report.cost.activation_mib_per_sample * static_cast<double>(batch_size) +
                      kTensorsPerWeight * 4.0 * static_cast<double>(report.cost.parameters) / (1 << 20);
  if (network.opt_net) {
    const auto certificates = certify_stages(*rule_of(row.spec), *network.opt_net);
    report.certified = std::all_of(certificates.begin(), certificates.end(), [](const auto& c) { return c.certified; });
  }
  return report;
}

}  // namespace optdnn::experiment
