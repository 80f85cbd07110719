// What is timed is the real training: its losses are those of a run, whoever repeats them.
#include "optdnn/experiment/bench.h"

#include "optdnn/experiment/job.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/trainer.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::experiment;

namespace {

Row row_of(std::vector<uint64_t> seeds) {
  Row row;
  row.id = "rings";
  row.spec.dataset = data::NestedRingsSpec{};
  std::get<data::NestedRingsSpec>(row.spec.dataset).points_per_ring = 16;
  std::get<data::NestedRingsSpec>(row.spec.dataset).iterations_per_epoch = 6;
  row.spec.algorithm.emplace().name = "momentum";
  row.spec.module = modules::DenseTwoLayerSpec{};
  row.spec.width = 2;
  row.spec.train.length.epochs = 1;
  row.spec.evaluate.every.emplace().iterations = 2;  // a bench does not
  row.spec.seeds = std::move(seeds);
  return row;
}

RunOptions options() {
  RunOptions options;
  double now = 0;
  options.seconds = [now]() mutable { return now += 0.5; };
  return options;
}

BenchReport report_of(const Row& row, BenchOptions bench = {.iterations = 3, .warm_up = 2, .batches = 4, .losses = 4}) {
  DataSets datasets("", "cpu");
  return bench_row(row, bench, options(), datasets);
}

struct Losses : metrics::Sink {
  std::optional<int64_t> rewind(int64_t) override { return std::nullopt; }
  void write(const metrics::Record& record) override { values.push_back(*record.number("train/loss")); }
  std::vector<double> values;
};

}  // namespace

TEST_CASE("the losses of a bench are those of a run, and every timed iteration has its seconds") {
  const Row row = row_of({7});
  const BenchReport report = report_of(row);
  REQUIRE(report.seeds == 1);
  REQUIRE(report.batch_size == 64);
  REQUIRE(report.iteration_s == std::vector<double>(3, 0.5));

  DataSets datasets("", "cpu");
  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  const Loaders loaders = make_loaders(dataset, row.spec, {7}, 0);
  Losses losses;
  const models::Network network = make_network(row.spec, network_shape(dataset.shape()), 7);
  training::TrainJob job = make_job(row.spec, dataset.shape(), network, loaders);
  job.evaluate = {};
  job.train.log_every.emplace().iterations = 1;
  job.runs.front().sinks.push_back(&losses);
  training::train(job);
  losses.values.resize(4);
  REQUIRE(report.losses == losses.values);
}

TEST_CASE("several seeds are timed as one network, whose first seed has the losses it has alone") {
  const BenchReport alone = report_of(row_of({7})), together = report_of(row_of({7, 8, 9}));
  REQUIRE(together.seeds == 3);
  REQUIRE(together.iteration_s.size() == 3);
  for (size_t i = 0; i < alone.losses.size(); ++i)
    REQUIRE(together.losses.at(i) == Approx(alone.losses[i]).epsilon(1e-5));
}

TEST_CASE("what is saved for other programs is where training begins") {
  const TemporaryFolder folder;
  const Row row = row_of({7});
  const BenchReport report =
      report_of(row, {.iterations = 1, .warm_up = 1, .batches = 2, .losses = 1, .save = folder.path()});
  models::Network network = make_network(row.spec, {{2}, 2}, 0);
  training::load_weights(*network.module.ptr(), folder.path() / "initial.safetensors");
  const auto batches = training::read_safetensors(folder.path() / "batches.safetensors").tensors;
  REQUIRE(batches.size() == 4);
  const torch::Tensor outputs = network.forward(batches.at("0/inputs"));
  const double loss = torch::nn::functional::cross_entropy(outputs, batches.at("0/targets")).item<double>();
  REQUIRE(loss == Approx(report.losses.front()).epsilon(1e-5));
}

TEST_CASE("a bench of batches that make no iteration each is refused, and so is a loss that is not finite") {
  Row row = row_of({7});
  row.spec.train.accumulate = 2;
  REQUIRE_THROWS_AS(report_of(row), base::ConfigError);
  row = row_of({7});
  row.spec.optimizer = training::SgdSpec{};
  std::get<training::SgdSpec>(row.spec.optimizer).learning_rate = 1e30;
  REQUIRE_THROWS_AS(report_of(row), base::DivergedError);
}
