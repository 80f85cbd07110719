#include "optdnn/experiment/run.h"

#include <iostream>

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/config/read.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/summary.h"
#include "optdnn/metrics/sink.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

using base::concat;

const data::DataSet& DataSets::get(const data::DataSetSpec& spec) {
  auto& set = sets_[config::canonical_json(config::dump(spec))];
  if (!set) set = data::make_dataset(spec, root_, device_);
  return *set;
}

int operation_threads(const RunOptions& options, const data::DataShape& shape) {
  static const int all = base::torch_threads();
  if (options.threads > 0) return options.threads;
  return shape.input.size() == 1 ? 1 : all;
}

namespace {

std::vector<std::unique_ptr<metrics::Sink>> make_sinks(const RunFolder& folder, const std::string& label,
                                                       int64_t iterations, const RunOptions& options) {
  std::vector<std::unique_ptr<metrics::Sink>> sinks;
  sinks.push_back(metrics::make_json_lines_sink(folder.path / "metrics.jsonl"));
  sinks.push_back(metrics::make_csv_sink(folder.path / "metrics.csv"));
  sinks.push_back(metrics::make_tensorboard_sink(folder.path / "events.out.tfevents.optdnn", options.unix_time_s));
  if (!options.quiet) {
    const bool bar = options.terminal_columns > 0;
    sinks.push_back(metrics::make_terminal_sink(std::cout, {label, iterations, bar, options.terminal_columns}));
  }
  return sinks;
}

training::TrainJob make_job(const ExperimentSpec& spec, const data::DataShape& shape, const models::Network& network,
                            const Loaders& loaders, const RunFolder& folder, const RunOptions& options) {
  training::TrainJob job;
  job.network = network.module;
  job.train_loader = &loaders.train;
  job.test_loader = &loaders.test;
  job.optimizer = spec.optimizer;
  job.schedule = spec.schedule;
  job.loss = spec.loss.value_or(training::default_loss(shape));
  training::check_loss(job.loss, shape);
  job.train = spec.train;
  job.evaluate = spec.evaluate;
  job.device = torch::Device(options.device);
  job.checkpoints = folder.checkpoints();
  job.resume = options.resume;
  job.stop_requested = options.stop_requested;
  job.seconds = options.seconds;
  if (network.opt_net) job.observers.push_back(observe_rule(*rule_of(spec), network.opt_net));
  return job;
}

}  // namespace

RunStatus run(const Table& table, const Row& row, uint64_t seed, const RunOptions& options, DataSets& datasets) {
  const RunFolder folder = run_folder(options.out, table, row, seed);
  const config::Node resolved = resolved_run(row, seed);
  claim(folder, resolved);
  if (!options.resume) clear(folder);
  if (!finished_summary(folder, config_hash(resolved)).is_null()) return RunStatus::was_finished;

  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  base::set_torch_threads(operation_threads(options, dataset.shape()));
  models::Network network = make_network(row.spec, network_shape(dataset.shape()), seed);
  const Loaders loaders = make_loaders(dataset, row.spec, seed, options.loader_threads);
  training::TrainJob job = make_job(row.spec, dataset.shape(), network, loaders, folder, options);
  const auto sinks = make_sinks(folder, concat(row.id, ", seed ", seed),
                                training::length_of(job.train, loaders.train.batches_per_epoch()).iterations, options);
  for (const auto& sink : sinks) job.sinks.push_back(sink.get());

  Summary summary(table, row, seed, config_hash(resolved), options);
  summary.add_cost(models::measure_cost(network, network_shape(dataset.shape())));
  if (network.opt_net) summary.add_certificate("certificate_at_start", row.spec, *network.opt_net);
  base::open_log_file(folder.path / "log.txt");
  base::log_info(concat(row.id, ", seed ", seed, ", ", options.device, ", ", base::torch_threads(), " threads, ",
                        options.program_version));
  try {
    const training::TrainResult result = training::train(job);
    const char* status = result.stopped ? "stopped" : "finished";
    base::log_info(concat(status, " after ", result.iterations, " iterations, begun at ", result.resumed_at));
    summary.add_result(result);
    if (network.opt_net) summary.add_certificate("certificate", row.spec, *network.opt_net);
    summary.write(folder.summary(), status);
    return result.stopped ? RunStatus::stopped : RunStatus::finished;
  } catch (const base::DivergedError& error) {
    base::log_info(error.what());  // the terminal hears of it from the command
    summary.add_error(error.what());
    summary.write(folder.summary(), "diverged");
    throw;
  }
}

nlohmann::ordered_json evaluate_run(const std::filesystem::path& folder, const std::string& weights,
                                    const RunOptions& options) {
  base::Diagnostics diagnostics;
  const config::Node node = config::read_yaml_file(folder / "resolved.yaml", diagnostics);
  diagnostics.throw_if_errors();
  const ExperimentSpec spec = read_experiment(node, diagnostics);
  diagnostics.throw_if_errors();

  DataSets datasets(options.data, options.device);
  const data::DataSet& dataset = datasets.get(spec.dataset);
  base::set_torch_threads(operation_threads(options, dataset.shape()));
  models::Network network = make_network(spec, network_shape(dataset.shape()), spec.seeds.front());
  const torch::Device device(options.device);
  training::prepare_network(*network.module.ptr(), device, spec.train.precision, spec.train.channels_last);
  training::load_weights(*network.module.ptr(), folder / "checkpoints" / weights);
  const Loaders loaders = make_loaders(dataset, spec, spec.seeds.front(), options.loader_threads);
  const auto loss = training::make_loss(spec.loss.value_or(training::default_loss(dataset.shape())));
  const auto evaluation =
      training::evaluate(network.module, loaders.test, loss, spec.train.precision, device, spec.evaluate.flip_average);
  nlohmann::ordered_json result = {{"run", folder.string()}, {"weights", weights}, {"samples", evaluation.samples}};
  result.update(json_of(evaluation));
  return result;
}

}  // namespace optdnn::experiment
