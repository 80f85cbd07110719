// What a GPU computes against the CPU: networks, training, 16-bit types, divergence, augmentation, resume.
#include "experiment/from_yaml.h"
#include "optdnn/algorithms/catalogue.h"
#include "optdnn/base/device.h"
#include "optdnn/base/random.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/checkpoint.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::experiment;
using torch::Tensor;

namespace {

// ctest reads this line and counts the program as skipped.
bool no_gpu() {
  if (torch::cuda::is_available()) return false;
  if (base::has_unusable_gpu()) FAIL("there is a GPU, and LibTorch cannot use it");
  WARN("no GPU: skipped");
  return true;
}

const std::string kImages =
    "dataset: {name: generated_images, size_px: 16, train_images: 256, test_images: 64, batch_size: 32, augment: "
    "[crop, "
    "flip]}\n";
// Its last batch is smaller than the others.
const std::string kUneven =
    "dataset: {name: generated_images, size_px: 16, train_images: 250, test_images: 64, batch_size: 32, augment: "
    "[crop, flip]}\n";
const std::string kNet = "module: {name: conv_preact}\ndepth: [2, 2]\nwidth: [8, 16]\n";
const std::string kSgd = "optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true}\n";

struct Trained {
  models::Network network;
  training::TrainResult result;
};

Trained train(const ExperimentSpec& spec, const torch::Device& device, const std::filesystem::path& checkpoints = {},
              int64_t stop_after = -1, const std::string& why_eager = "") {
  const auto dataset = data::make_dataset(spec.dataset, "", device.str());
  const std::vector<uint64_t> seeds = {7};
  Trained trained{make_network(spec, network_shape(dataset->shape()), seeds.front()), {}};
  const Loaders loaders = make_loaders(*dataset, spec, seeds, 1);
  training::TrainJob job = make_job(spec, dataset->shape(), trained.network, loaders);
  job.device = device;
  if (!why_eager.empty()) job.why_eager = why_eager;
  job.runs.front().checkpoints = checkpoints;
  job.stop_requested = [left = stop_after]() mutable { return left-- == 0; };
  trained.result = training::train(job).front();
  return trained;
}

double largest_difference(const Trained& a, const Trained& b) {
  double largest = 0;
  const auto of_b = training::named_weights(*b.network.module.ptr());
  for (const auto& [name, tensor] : training::named_weights(*a.network.module.ptr())) {
    const Tensor one = tensor.cpu().to(torch::kFloat64), other = of_b.at(name).cpu().to(torch::kFloat64);
    largest = std::max(largest, (one - other).abs().max().item<double>());
  }
  return largest;
}

const torch::Device kGpu(torch::kCUDA, 0);

}  // namespace

TEST_CASE("every rule's network gives the CPU's outputs and gradients on a GPU, in double precision") {
  if (no_gpu()) return;
  for (const auto& entry : algorithms::catalogue()) {
    const std::string name(entry.name);
    CAPTURE(name);
    const bool two = name == "pgd" || name == "fista";
    const bool implicit = two || name == "admm" || name == "proximal_point";
    const std::string module = two        ? "modules: {T: {name: conv_preact}, S: {name: implicit_conv}}\n"
                               : implicit ? "module: {name: implicit_conv}\n"
                                          : "module: {name: conv_preact}\n";
    const ExperimentSpec spec =
        tests::read_experiment(kImages + module + "depth: 3\nwidth: 8\nalgorithm: {name: " + name + "}\n" +
                               "solver: {name: picard, steps: 60, tolerance: 1.0e-10}\n");
    const auto dataset = data::make_dataset(spec.dataset, "");
    const auto run = [&](const torch::Device& device) {
      const models::Network net = make_network(spec, network_shape(dataset->shape()), 3);
      net.module.ptr()->to(device, torch::kFloat64);
      base::seed_torch(5);
      const Tensor x = torch::randn({8, 3, 16, 16}, torch::kFloat64).to(device);
      models::Network copy = net;
      const Tensor y = copy.forward(x);
      y.square().sum().backward();
      std::vector<Tensor> all = {y.detach().cpu()};
      for (const Tensor& parameter : net.module.ptr()->parameters())
        all.push_back(parameter.grad().defined() ? parameter.grad().cpu() : torch::zeros({1}));
      return all;
    };
    const auto cpu = run(torch::kCPU), gpu = run(kGpu);
    for (size_t i = 0; i < cpu.size(); ++i) {
      REQUIRE((cpu[i] - gpu[i]).abs().max().item<double>() < 1e-7 * (1 + cpu[i].abs().max().item<double>()));
    }
  }
}

TEST_CASE("training on a GPU follows the CPU: the same batches, augmentation and updates, in double precision") {
  if (no_gpu()) return;
  const ExperimentSpec spec = tests::read_experiment(
      kImages + kNet + kSgd + "algorithm: {name: apg2}\ntrain: {length: {iterations: 10}, precision: float64}\n");
  REQUIRE(largest_difference(train(spec, torch::kCPU), train(spec, kGpu)) < 1e-8);
}

TEST_CASE("a recorded iteration gives the numbers of one that runs operator by operator") {
  if (no_gpu()) return;
  const std::string rule = kNet + "algorithm: {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step}}}\n";
  const std::string dropout = "model: {name: wrn, layers: 10, widening: 1, dropout: 0.3}\n";
  const std::string adam = "optimizer: {name: adamw, learning_rate: 0.001}\n";
  const std::string more = ", ema: {decay: 0.9}, gradient_clip: 1.0, accumulate: 2";
  for (const std::string& text : {rule + kSgd + "train: {length: {epochs: 3}, precision: float64}\n",
                                  rule + adam + "train: {length: {epochs: 4}, precision: float64" + more + "}\n",
                                  dropout + kSgd + "train: {length: {epochs: 3}, precision: float64}\n"}) {
    CAPTURE(text);
    const ExperimentSpec spec = tests::read_experiment(kUneven + text);
    const Trained eager = train(spec, kGpu, {}, -1, "asked for"), recorded = train(spec, kGpu);
    REQUIRE(eager.result.replays == 0);
    REQUIRE(recorded.result.iteration == "captured");
    REQUIRE(recorded.result.replays >= 4);
    REQUIRE(recorded.result.last.loss == Approx(eager.result.last.loss).epsilon(1e-9));
    REQUIRE(largest_difference(eager, recorded) < 1e-9);
  }
}

TEST_CASE("every number type trains on a GPU, channels last or not, and the loss falls") {
  if (no_gpu()) return;
  for (const std::string precision : {"float32", "tf32", "bfloat16", "float16"}) {
    for (const std::string channels_last : {"true", "false"}) {
      CAPTURE(precision, channels_last);
      const ExperimentSpec spec = tests::read_experiment(
          kImages + kNet + kSgd + "algorithm: {name: apg2}\ntrain: {length: {epochs: 8}, precision: " + precision +
          ", channels_last: " + channels_last + "}\n");
      const auto result = train(spec, kGpu).result;
      REQUIRE_FALSE(result.diverged);
      REQUIRE(result.last.loss < 2.2);  // ten classes at random: 2.30
    }
  }
}

TEST_CASE("a run that diverges on a GPU is noticed at the next log point and keeps finite weights") {
  if (no_gpu()) return;
  const ExperimentSpec spec =
      tests::read_experiment(kImages + kNet + "algorithm: {name: gradient_descent}\n" +
                             "optimizer: {name: sgd, learning_rate: 1.0e+30}\n"
                             "train: {length: {iterations: 40}, log_every: {iterations: 10}}\n");
  const Trained trained = train(spec, kGpu);
  REQUIRE(trained.result.diverged);
  for (const Tensor& parameter : trained.network.module.ptr()->parameters()) {
    REQUIRE(parameter.isfinite().all().item<bool>());
  }
}

TEST_CASE("stopped and continued on a GPU, a run ends like an unbroken one") {
  if (no_gpu()) return;
  const TemporaryFolder folder;
  const ExperimentSpec spec = tests::read_experiment(
      kImages + kNet + kSgd + "algorithm: {name: ladmm}\ntrain: {length: {iterations: 12}, precision: float64}\n");
  const Trained unbroken = train(spec, kGpu);
  train(spec, kGpu, folder.path(), 7);
  const Trained continued = train(spec, kGpu, folder.path());
  REQUIRE(continued.result.resumed_at == 7);
  REQUIRE(largest_difference(unbroken, continued) < 1e-9);
}
