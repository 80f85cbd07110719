#include "optdnn/experiment/short_training.h"

#include "optdnn/data/kept_batches.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

namespace {

class LossSink : public metrics::Sink {
 public:
  std::optional<int64_t> rewind(int64_t) override { return std::nullopt; }
  void write(const metrics::Record& record) override { losses.push_back(record.number("train/loss").value()); }
  std::vector<double> losses;
};

}  // namespace

models::Network ShortTraining::make_network() const { return make_stacked_network(spec, network_shape(shape), seeds); }

ShortRun ShortTraining::run(const models::Network& network, int64_t iterations, const std::function<bool()>& poll,
                            bool with_losses) const {
  const data::KeptBatches trained(shape, batches, iterations), tested(shape, batches, 1);
  const Loaders loaders{{trained, {data::Split::train, trained.batch_size(), seeds}},
                        std::nullopt,
                        {tested, {data::Split::test, tested.batch_size(), seeds}}};
  force_executor(network, options.executor);
  training::TrainJob job = make_job(spec, shape, network, loaders);
  job.runs.resize(seeds.size());
  job.schedule = schedule;
  job.evaluate = {};
  job.train.length = {};
  job.train.length.epochs = 1;
  LossSink sink;
  if (with_losses) {
    job.train.log_every.emplace().iterations = 1;
    job.runs.front().sinks.push_back(&sink);
  }
  job.device = torch::Device(options.device);
  job.stop_requested = poll;
  if (options.no_graph) job.why_eager = "asked for";
  const auto results = training::train(job);
  for (const auto& result : results) {
    if (result.diverged) throw base::DivergedError(*result.diverged);
  }
  return {results.front().iteration, std::move(sink.losses), executors_of(network)};
}

}  // namespace optdnn::experiment
