#include "optdnn/experiment/bench.h"

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/data/kept_batches.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

namespace {

constexpr int64_t kBlock = 20;

class LossSink : public metrics::Sink {
 public:
  void rewind(int64_t) override {}
  void write(const metrics::Record& record) override { losses.push_back(record.number("train/loss").value()); }
  std::vector<double> losses;
};

// A row with what is served to it.
class Bench {
 public:
  Bench(const Row& row, const data::DataSet& dataset, const BenchOptions& bench, const RunOptions& options)
      : spec_(row.spec), bench_(bench), options_(options), seeds_(row.spec.seeds), shape_(dataset.shape()) {
    if (!trains_as_one(spec_, network_shape(shape_))) seeds_.resize(1);
    for (const uint64_t seed : seeds_)
      batches_[seed] = data::first_batches(make_loaders(dataset, spec_, {seed}, 0).train, bench.batches);
  }

  BenchReport report() const {
    BenchReport report;
    report.seeds = std::ssize(seeds_);
    report.batch_size = first().front().inputs.size(0);
    LossSink sink;
    train(bench_.losses + 1, &sink, {}, &report.executors);
    sink.losses.pop_back();  // of the last iteration, whose record is of the whole epoch
    report.losses = std::move(sink.losses);

    // A GPU is waited for once in a block of iterations; its queue runs dry no oftener in a training.
    const int64_t block = options_.device == "cpu" ? 1 : kBlock;
    const int64_t blocks = std::max<int64_t>(1, bench_.iterations / block);
    std::vector<double> clock;
    kernels::ConvolutionCounts before;
    // The last iteration is followed by an evaluation, so one more is trained than timed.
    report.iteration = train(bench_.warm_up + blocks * block + 1, nullptr, [&, begun = int64_t{0}]() mutable {
      if (begun >= bench_.warm_up && (begun - bench_.warm_up) % block == 0) {
        base::synchronize(options_.device);
        clock.push_back(options_.seconds());
      }
      if (begun == 0) before = kernels::counted_convolutions();
      if (begun == 1) report.convolutions = kernels::counted_convolutions() - before;
      ++begun;
      return false;
    });
    for (size_t i = 0; i + 1 < clock.size(); ++i)
      report.iteration_s.push_back((clock[i + 1] - clock[i]) / static_cast<double>(block));
    if (bench_.profile) report.kernel_times = profile();
    return report;
  }

  void save() const {
    models::Network network = make_network(spec_, network_shape(shape_), seeds_.front());
    training::TensorMap tensors;
    for (size_t i = 0; i < first().size(); ++i) {
      tensors[base::concat(i, "/inputs")] = first()[i].inputs;
      tensors[base::concat(i, "/targets")] = first()[i].targets;
    }
    base::make_folders(bench_.save);
    training::write_safetensors(bench_.save / "initial.safetensors",
                                {training::named_weights(*network.module.ptr()), {}});
    training::write_safetensors(bench_.save / "batches.safetensors", {tensors, {}});
  }

 private:
  const std::vector<data::Batch>& first() const { return batches_.at(seeds_.front()); }

  std::vector<KernelTime> profile() const {
    std::vector<KernelTime> times;
    train(bench_.warm_up + kProfiled + 1, nullptr, [&, begun = int64_t{0}]() mutable {
      if (begun == bench_.warm_up) start_kernel_times(options_.device);
      if (begun == bench_.warm_up + kProfiled) times = stop_kernel_times(options_.device);
      ++begun;
      return false;
    });
    return times;
  }

  // One epoch of so many iterations, from the initial weights; `before_iteration` is polled before each. Returns how
  // iterations ran.
  std::string train(int64_t iterations, metrics::Sink* sink, std::function<bool()> before_iteration,
                    std::vector<StageExecutor>* executors = nullptr) const {
    const data::KeptBatches trained(shape_, batches_, iterations), tested(shape_, batches_, 1);
    const Loaders loaders{{trained, {data::Split::train, trained.batch_size(), seeds_}},
                          std::nullopt,
                          {tested, {data::Split::test, tested.batch_size(), seeds_}}};
    const models::Network network = make_stacked_network(spec_, network_shape(shape_), seeds_);
    force_executor(network, options_.executor);
    training::TrainJob job = make_job(spec_, shape_, network, loaders);
    job.runs.resize(seeds_.size());
    job.schedule = {};
    job.evaluate = {};
    job.train.length = {};
    job.train.length.epochs = 1;
    if (sink) {
      job.train.log_every.emplace().iterations = 1;
      job.runs.front().sinks.push_back(sink);
    }
    job.device = torch::Device(options_.device);
    job.stop_requested = std::move(before_iteration);
    if (options_.no_graph) job.why_eager = "asked for";
    const auto results = training::train(job);
    for (const auto& result : results) {
      if (result.diverged) throw base::DivergedError(*result.diverged);
    }
    if (executors) *executors = executors_of(network);
    return results.front().iteration;
  }

  const ExperimentSpec& spec_;
  const BenchOptions& bench_;
  const RunOptions& options_;
  std::vector<uint64_t> seeds_;
  data::DataShape shape_;
  std::map<uint64_t, std::vector<data::Batch>> batches_;
};

}  // namespace

BenchReport bench_row(const Row& row, const BenchOptions& bench, const RunOptions& options, DataSets& datasets) {
  if (bench.profile && options.device == "cpu") throw base::ConfigError("--profile is for a GPU");
  if (row.spec.train.accumulate != 1)
    throw base::ConfigError("bench wants train.accumulate 1: an iteration is a batch");
  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  set_threads(options, dataset.shape());
  const Bench benched(row, dataset, bench, options);
  if (!bench.save.empty()) benched.save();
  return benched.report();
}

}  // namespace optdnn::experiment
