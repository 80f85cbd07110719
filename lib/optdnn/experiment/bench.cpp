#include "optdnn/experiment/bench.h"

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/data/kept_batches.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

namespace {

class LossSink : public metrics::Sink {
 public:
  void rewind(int64_t) override {}
  void write(const metrics::Record& record) override { losses.push_back(record.number("train/loss").value()); }
  std::vector<double> losses;
};

data::KeptBatches kept_batches(const Row& row, const data::DataSet& dataset, const BenchOptions& bench, int64_t count) {
  const data::Loader loader = make_loaders(dataset, row.spec, row.spec.seeds.front(), 0).train;
  return data::keep_batches(dataset, loader, bench.batches, count);
}

// A training of `batches`, every one of them an iteration, polled before each.
void train_on(const data::KeptBatches& batches, const Row& row, const RunOptions& options, metrics::Sink* sink,
              std::function<bool()> before_iteration) {
  const data::LoaderOptions in_turn{data::Split::train, batches.batch_size(), 0, 0, false};
  const data::LoaderOptions one{data::Split::test, batches.batch_size(), 0, 0, false};
  const data::Loader train(batches, in_turn);
  const data::KeptBatches tested(batches.shape(), {batches.batches().front()}, 1);
  const data::Loader test(tested, one);
  models::Network network = make_network(row.spec, network_shape(batches.shape()), row.spec.seeds.front());
  training::TrainJob job;
  job.network = network.module;
  job.train_loader = &train;
  job.test_loader = &test;
  job.optimizer = row.spec.optimizer;
  job.loss = row.spec.loss.value_or(training::default_loss(batches.shape()));
  training::check_loss(job.loss, batches.shape());
  job.train = row.spec.train;
  job.train.length = {};
  job.train.length.epochs = 1;
  if (sink) {
    job.train.log_every.emplace().iterations = 1;
    job.sinks.push_back(sink);
  }
  job.device = torch::Device(options.device);
  job.stop_requested = std::move(before_iteration);
  training::train(job);
}

std::vector<double> first_losses(const Row& row, const data::DataSet& dataset, const BenchOptions& bench,
                                 const RunOptions& options) {
  LossSink sink;
  train_on(kept_batches(row, dataset, bench, bench.losses + 1), row, options, &sink, {});
  sink.losses.pop_back();  // of the last iteration, whose record is of the whole epoch
  return std::move(sink.losses);
}

void save_start(const Row& row, const data::DataSet& dataset, const BenchOptions& bench) {
  models::Network network = make_network(row.spec, network_shape(dataset.shape()), row.spec.seeds.front());
  base::make_folders(bench.save);
  training::write_safetensors(bench.save / "initial.safetensors", {training::named_weights(*network.module.ptr()), {}});
  training::TensorMap tensors;
  const data::KeptBatches kept = kept_batches(row, dataset, bench, 1);
  for (size_t i = 0; i < kept.batches().size(); ++i) {
    tensors[base::concat(i, "/inputs")] = kept.batches()[i].inputs;
    tensors[base::concat(i, "/targets")] = kept.batches()[i].targets;
  }
  training::write_safetensors(bench.save / "batches.safetensors", {tensors, {}});
}

}  // namespace

BenchReport bench_row(const Row& row, const BenchOptions& bench, const RunOptions& options, DataSets& datasets) {
  if (row.spec.train.accumulate != 1)
    throw base::ConfigError("bench wants train.accumulate 1: an iteration is a batch");
  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  base::set_torch_threads(operation_threads(options, dataset.shape()));
  if (!bench.save.empty()) save_start(row, dataset, bench);

  BenchReport report;
  report.losses = first_losses(row, dataset, bench, options);
  // The last iteration is followed by an evaluation, so that one more is trained than timed.
  const data::KeptBatches batches = kept_batches(row, dataset, bench, bench.warm_up + bench.iterations + 1);
  report.batch_size = batches.batch_size();
  std::vector<double> clock;
  train_on(batches, row, options, nullptr, [&] {
    base::synchronize(options.device);
    clock.push_back(options.seconds());
    return false;
  });
  for (int64_t i = 0; i < bench.iterations; ++i)
    report.iteration_s.push_back(clock[bench.warm_up + i + 1] - clock[bench.warm_up + i]);
  return report;
}

}  // namespace optdnn::experiment
