// Seeds that train as one network are what they are alone: their data bit by bit, their weights up to rounding.
#include "experiment/from_yaml.h"
#include "optdnn/base/device.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/stacked.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::experiment;

namespace {

const std::vector<uint64_t> kSeeds = {3, 8, 11};

const std::string kRings = "dataset: {name: nested_rings, points_per_ring: 16, test_points_per_ring: 16}\n";
const std::string kNet = "module: {name: dense_two_layer, hidden: 8}\ndepth: 4\nwidth: 2\nhead: {name: read_state}\n";
const std::string kAdam = "optimizer: {name: adam, learning_rate: 0.01}\n";

// What a row of a table may be: rules, learned coefficients, two modules, baselines, optimizers, fixed sets.
const std::vector<std::string> kExperiments = {
    kRings + kNet + kAdam +
        "algorithm: {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step, range: [0, 3]}}}\n",
    kRings + kNet + "algorithm: {name: dense}\noptimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9}\n",
    kRings + kNet + "algorithm: {name: heavy_ball, coefficients: {beta: {value: 0.5, learn: shared}}}\n" +
        "optimizer: {name: adamw, weight_decay: 0.1, decay_on: weights}\n",
    kRings + "algorithm: {name: ladmm}\nmodule: {name: dense_two_layer, sharing: shared}\ndepth: 3\nwidth: 5\n" + kAdam,
    kRings + kAdam + "model: {name: mlp, depth: 2, width: 8}\n",
    kRings + kAdam + "model: {name: dense_mlp, depth: 3, growth: 4}\nloss: {name: logistic}\n",
    kNet + kAdam + "algorithm: {name: nesterov_dense}\n" +
        "dataset: {name: parity, d: 2, samples: fixed, points: 50, batch_size: 16, test_points: 64}\n",
    "dataset: {name: telgarsky, batch_size: 32, test_points: 64}\nalgorithm: {name: momentum}\n" + kAdam +
        "module: {name: dense_two_layer}\ndepth: 4\nwidth: 6\nstem: {name: zero_pad}\n",
};

ExperimentSpec experiment_with(size_t number, const std::string& train) {
  return tests::read_experiment(kExperiments[number] + "train: " + train + "\n");
}

struct Trained {
  models::Network network;
  std::vector<training::TrainResult> results;
};

using Prepare = std::function<void(models::Network&)>;

Trained train(const ExperimentSpec& spec, const std::vector<uint64_t>& seeds, const Prepare& prepare = {},
              const std::filesystem::path& checkpoints = {}, int64_t stop_after = -1) {
  base::set_torch_threads(1);
  const auto dataset = data::make_dataset(spec.dataset, "");
  Trained trained{make_stacked_network(spec, network_shape(dataset->shape()), seeds), {}};
  if (prepare) prepare(trained.network);
  const Loaders loaders = make_loaders(*dataset, spec, seeds, 0);
  training::TrainJob job = make_job(spec, dataset->shape(), trained.network, loaders);
  job.runs.resize(seeds.size());
  for (size_t i = 0; i < seeds.size() && !checkpoints.empty(); ++i)
    job.runs[i].checkpoints = checkpoints / std::to_string(seeds[i]);
  job.stop_requested = [left = stop_after]() mutable { return left-- == 0; };
  trained.results = training::train(job);
  return trained;
}

training::TensorMap weights_of(const Trained& trained, int64_t run, int64_t runs) {
  return training::part_of(training::named_weights(*trained.network.module.ptr()), run, runs);
}

void require_close(const training::TensorMap& a, const training::TensorMap& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (const auto& [name, tensor] : a) {
    INFO(name);
    REQUIRE(tensor.sizes() == b.at(name).sizes());
    REQUIRE((tensor - b.at(name)).abs().max().item<double>() <= tolerance);
  }
}

void require_close(const training::Evaluation& a, const training::Evaluation& b) {
  REQUIRE(a.samples == b.samples);
  REQUIRE(a.loss == Approx(b.loss).epsilon(1e-6));
  REQUIRE(a.headline() == Approx(b.headline()).epsilon(1e-6));
  REQUIRE(a.margin.has_value() == b.margin.has_value());
  if (a.margin) REQUIRE(*a.margin == Approx(*b.margin).epsilon(1e-6));
  if (a.margin) REQUIRE(*a.normalized_margin == Approx(*b.normalized_margin).epsilon(1e-6));
}

void require_same_as_alone(const std::string& train_spec, double tolerance) {
  for (size_t number = 0; number < kExperiments.size(); ++number) {
    const ExperimentSpec spec = experiment_with(number, train_spec);
    CAPTURE(number);
    const Trained together = train(spec, kSeeds);
    for (size_t i = 0; i < kSeeds.size(); ++i) {
      CAPTURE(kSeeds[i]);
      const Trained alone = train(spec, {kSeeds[i]});
      require_close(weights_of(together, static_cast<int64_t>(i), 3), weights_of(alone, 0, 1), tolerance);
      if (tolerance < 1e-8) require_close(together.results[i].last, alone.results[0].last);
    }
  }
}

}  // namespace

TEST_CASE("the batches of several runs are bit by bit those of each run alone") {
  for (size_t number = 0; number < kExperiments.size(); ++number) {
    const ExperimentSpec spec = experiment_with(number, "{length: {epochs: 2}}");
    const auto dataset = data::make_dataset(spec.dataset, "");
    for (const int64_t epoch : {0, 1}) {
      for (const bool test : {false, true}) {
        const auto reader = [&](const std::vector<uint64_t>& seeds) {
          const Loaders loaders = make_loaders(*dataset, spec, seeds, 2);
          return (test ? loaders.test : loaders.train).epoch(epoch);
        };
        auto together = reader(kSeeds);
        std::vector<data::EpochReader> alone;
        for (const uint64_t seed : kSeeds) alone.push_back(reader({seed}));
        for (int batch = 0; const auto stacked = together.next(); ++batch) {
          CAPTURE(number, epoch, test, batch);
          for (int64_t i = 0; i < 3; ++i) {
            const auto single = alone[i].next();
            REQUIRE(stacked->inputs[i].equal(single->inputs));
            REQUIRE(stacked->targets[i].equal(single->targets));
          }
        }
      }
    }
  }
}

TEST_CASE("in float64 the weights after 100 iterations are those of the run alone to 1e-9") {
  require_same_as_alone("{length: {iterations: 100}, precision: float64}", 1e-9);
  require_same_as_alone(
      "{length: {iterations: 20}, precision: float64, accumulate: 2, gradient_clip: 0.1, "
      "ema: {decay: 0.9}}",
      1e-9);
}

TEST_CASE("in float32 the weights after 10 iterations are those of the run alone to 1e-5") {
  require_same_as_alone("{length: {iterations: 10}}", 1e-5);
}

TEST_CASE("a run that diverges keeps its weights and the others go on as alone") {
  const ExperimentSpec spec = experiment_with(0, "{length: {iterations: 10}, gradient_clip: 1.0}");
  training::TensorMap broken;
  const Trained together = train(spec, kSeeds, [&](models::Network& network) {
    for (auto& item : network.module.ptr()->named_parameters()) {
      const torch::NoGradGuard no_grad;
      if (item.key().find("layer2.bias") != std::string::npos) item.value()[1].fill_(3e38);
      broken[item.key()] = item.value().detach()[1].clone();
    }
  });
  REQUIRE_FALSE(together.results[0].diverged);
  REQUIRE(together.results[1].diverged);
  REQUIRE(std::string(together.results[1].diverged->what()).find("iteration 1 (epoch 1, batch 1)") !=
          std::string::npos);
  require_close(weights_of(together, 1, 3), broken, 0);
  for (const int64_t i : {0, 2}) {
    const Trained alone = train(spec, {kSeeds[i]});
    require_close(weights_of(together, i, 3), weights_of(alone, 0, 1), 1e-5);
  }
}

TEST_CASE("runs stopped together go on together or alone") {
  const ExperimentSpec spec = experiment_with(2, "{length: {iterations: 40}, precision: float64, ema: {decay: 0.9}}");
  const Trained unbroken = train(spec, kSeeds);
  const TemporaryFolder folder;
  const std::filesystem::path checkpoints = folder / "runs";
  REQUIRE(train(spec, kSeeds, {}, checkpoints, 17).results[1].stopped);
  const Trained one = train(spec, {kSeeds[2]}, {}, checkpoints);
  REQUIRE(one.results[0].resumed_at == 17);
  require_close(weights_of(one, 0, 1), weights_of(unbroken, 2, 3), 1e-9);
  REQUIRE_THROWS_AS(train(spec, kSeeds, {}, checkpoints), base::EnvironmentError);  // two at 17, one at 40
  const Trained two = train(spec, {kSeeds[0], kSeeds[1]}, {}, checkpoints);
  for (const int64_t i : {0, 1}) {
    const auto expected = weights_of(unbroken, i, 3), found = weights_of(two, i, 2);
    for (const auto& [name, tensor] : expected) REQUIRE((tensor - found.at(name)).abs().max().item<double>() < 1e-9);
    require_close(two.results[i].last, unbroken.results[i].last);
  }
}
