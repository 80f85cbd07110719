#include "optdnn/experiment/bench.h"

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/data/kept_batches.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/short_training.h"
#include "optdnn/training/checkpoint.h"

namespace optdnn::experiment {

namespace {

constexpr int64_t kBlock = 20;

// A row with what is served to it.
class Bench {
 public:
  Bench(const Row& row, const data::DataSet& dataset, const BenchOptions& bench, const RunOptions& options)
      : bench_(bench), training_{row.spec, dataset.shape(), row.spec.seeds, {}, {}, options} {
    auto& seeds = training_.seeds;
    if (!trains_as_one(row.spec, network_shape(dataset.shape()))) seeds.resize(1);
    for (const uint64_t seed : seeds) {
      training_.batches[seed] = data::first_batches(make_loaders(dataset, row.spec, {seed}, 0).train, bench.batches);
    }
  }

  BenchReport report() const {
    BenchReport report;
    const RunOptions& options = training_.options;
    report.seeds = std::ssize(training_.seeds);
    report.batch_size = first().front().inputs.size(0);
    ShortRun losses = train(bench_.losses + 1, {}, /*with_losses=*/true);
    losses.losses.pop_back();  // of the last iteration, whose record is of the whole epoch
    report.losses = std::move(losses.losses);
    report.executors = std::move(losses.executors);

    // A GPU is waited for once in a block of iterations; its queue runs dry no oftener in a training.
    const int64_t block = options.device == "cpu" ? 1 : kBlock;
    const int64_t blocks = std::max<int64_t>(1, bench_.iterations / block);
    std::vector<double> clock;
    kernels::ConvolutionCounts before;
    // The last iteration is followed by an evaluation, so one more is trained than timed.
    const auto timed = train(bench_.warm_up + blocks * block + 1, [&, begun = int64_t{0}]() mutable {
      if (begun >= bench_.warm_up && (begun - bench_.warm_up) % block == 0) {
        base::synchronize(options.device);
        clock.push_back(options.seconds());
      }
      if (begun == 0) before = kernels::counted_convolutions();
      if (begun == 1) report.convolutions = kernels::counted_convolutions() - before;
      ++begun;
      return false;
    });
    report.iteration = timed.iteration;
    for (size_t i = 0; i + 1 < clock.size(); ++i)
      report.iteration_s.push_back((clock[i + 1] - clock[i]) / static_cast<double>(block));
    if (bench_.profile) report.kernel_times = profile();
    return report;
  }

  void save() const {
    const models::Network network =
        make_stacked_network(training_.spec, network_shape(training_.shape), {training_.seeds.front()});
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
  const std::vector<data::Batch>& first() const { return training_.batches.at(training_.seeds.front()); }

  std::vector<KernelTime> profile() const {
    std::vector<KernelTime> times;
    const std::string& device = training_.options.device;
    train(bench_.warm_up + kProfiled + 1, [&, begun = int64_t{0}]() mutable {
      if (begun == bench_.warm_up) start_kernel_times(device);
      if (begun == bench_.warm_up + kProfiled) times = stop_kernel_times(device);
      ++begun;
      return false;
    });
    return times;
  }

  // From the initial weights; `before_iteration` is polled before each.
  ShortRun train(int64_t iterations, const std::function<bool()>& before_iteration, bool with_losses = false) const {
    return training_.run(training_.make_network(), iterations, before_iteration, with_losses);
  }

  const BenchOptions& bench_;
  ShortTraining training_;
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
