// What a GPU computes against the CPU: networks, training, 16-bit types, divergence, augmentation, resume, several
// seeds. Also for the make-believe device of tests/support, in the program of tests/mock.
#include "optdnn/algorithms/catalogue.h"
#include "optdnn/base/device.h"
#include "optdnn/base/random.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::experiment;
using namespace optdnn::tests;
using torch::Tensor;

namespace {

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

}  // namespace

TEST_CASE("every rule's network gives the CPU's outputs and gradients on a GPU, in double precision") {
  const auto gpu = accelerator();
  if (!gpu) return;
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
    const auto cpu = run(torch::kCPU), other = run(gpu->device);
    for (size_t i = 0; i < cpu.size(); ++i) {
      REQUIRE((cpu[i] - other[i]).abs().max().item<double>() < 1e-7 * (1 + cpu[i].abs().max().item<double>()));
    }
  }
}

TEST_CASE("training on a GPU follows the CPU: the same batches, augmentation and updates, in double precision") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const ExperimentSpec spec = tests::read_experiment(
      kImages + kNet + kSgd + "algorithm: {name: apg2}\ntrain: {length: {iterations: 10}, precision: float64}\n");
  REQUIRE(largest_difference(train_on_cpu(spec), train(spec, *gpu)) < 1e-8);
}

TEST_CASE("a recorded iteration gives the numbers of one that runs operator by operator") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const std::string rule = kNet + "algorithm: {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step}}}\n";
  const std::string dropout = "model: {name: wrn, layers: 10, widening: 1, dropout: 0.3}\n";
  const std::string adam = "optimizer: {name: adamw, learning_rate: 0.001}\n";
  const std::string more = ", ema: {decay: 0.9}, gradient_clip: 1.0, accumulate: 2";
  for (const std::string& text : {rule + kSgd + "train: {length: {epochs: 3}, precision: float64}\n",
                                  rule + adam + "train: {length: {epochs: 4}, precision: float64" + more + "}\n",
                                  dropout + kSgd + "train: {length: {epochs: 3}, precision: float64}\n"}) {
    CAPTURE(text);
    const ExperimentSpec spec = tests::read_experiment(kUneven + text);
    const Trained eager = train(spec, *gpu, {.why_eager = "asked for"}), recorded = train(spec, *gpu);
    REQUIRE(eager.result().replays == 0);
    REQUIRE(recorded.result().iteration == "captured");
    REQUIRE(recorded.result().kernels == eager.result().kernels);
    REQUIRE_FALSE(recorded.result().kernels.empty());
    const tests::WithoutKernels without;
    REQUIRE(train(spec, *gpu, {.stop_after = 1}).result().kernels.empty());
    REQUIRE(recorded.result().replays >= 4);
    REQUIRE(recorded.result().last.loss == Approx(eager.result().last.loss).epsilon(1e-9));
    REQUIRE(largest_difference(eager, recorded) < 1e-9);
  }
}

TEST_CASE("the smaller last batch of an epoch and the batches of evaluations have recordings of their own") {
  const auto gpu = accelerator();
  if (!gpu) return;
  // Of six epochs of 16, 16 and 8 images, and twelve evaluations of 8, 8 and 4, by the weights and by their average:
  // the first three of each size are real.
  const std::string images =
      "dataset: {name: generated_images, size_px: 16, train_images: 40, test_images: 20, batch_size: 16}\n" + kNet +
      kSgd +
      "algorithm: {name: apg2}\nevaluate: {batch_size: 8, flip_average: true, weights: both}\n"
      "train: {length: {epochs: 6}, precision: float64, ema: {decay: 0.5}}\n";
  // Of six evaluations of 32 points in batches of 16, with margins, of three seeds at once.
  const std::string rings =
      "dataset: {name: nested_rings, points_per_ring: 4, iterations_per_epoch: 2, test_points_per_ring: 8}\n"
      "module: {name: dense_two_layer, hidden: 8}\nalgorithm: {name: heavy_ball}\ndepth: 3\nwidth: 2\n"
      "seeds: [1, 2, 3]\noptimizer: {name: adam, learning_rate: 0.01}\nevaluate: {batch_size: 16}\n"
      "train: {length: {epochs: 6}, precision: float64}\n";
  for (const auto& [text, replays, evaluation_replays] : {std::tuple(images, 9 + 3, 21 + 9), std::tuple(rings, 9, 9)}) {
    CAPTURE(text);
    const ExperimentSpec spec = tests::read_experiment(text);
    const Trained eager = train(spec, *gpu, {.why_eager = "asked for"}), recorded = train(spec, *gpu);
    REQUIRE(eager.result().evaluation_replays == 0);
    REQUIRE(recorded.result().replays == replays);
    REQUIRE(recorded.result().evaluation_replays == evaluation_replays);
    REQUIRE(largest_difference(eager, recorded) < 1e-9);
    for (size_t run = 0; run < recorded.results.size(); ++run) {
      const training::Evaluation &one = eager.results[run].last, &other = recorded.results[run].last;
      REQUIRE(other.loss == Approx(one.loss).epsilon(1e-9));
      REQUIRE(other.error_pct == one.error_pct);
      REQUIRE(other.margin.has_value() == one.margin.has_value());
      if (one.margin) REQUIRE(*other.margin == Approx(*one.margin).epsilon(1e-9));
      const auto &raw = eager.results[run].last_raw, &other_raw = recorded.results[run].last_raw;
      REQUIRE(raw.has_value() == other_raw.has_value());
      if (raw) REQUIRE(other_raw->loss == Approx(raw->loss).epsilon(1e-9));
    }
  }
}

TEST_CASE("where an iteration cannot be recorded, training goes on with the numbers it would have had") {
  const auto gpu = accelerator();
  if (!gpu) return;
  // Looks at a number in the end, which no recorded iteration may.
  struct LookingGraph : training::Graph {
    explicit LookingGraph(const Accelerator& on)
        : device(on.device), inner(on.make_graph ? on.make_graph() : training::make_graph(on.device)) {}
    void record(const std::function<void()>& work) override {
      inner->record([&] {
        work();
        torch::rand({3}, torch::TensorOptions().device(device)).sum().item();
      });
    }
    void replay() override { FAIL("nothing was recorded"); }
    torch::Device device;
    std::unique_ptr<training::Graph> inner;
  };
  const ExperimentSpec spec =
      tests::read_experiment(kImages + "model: {name: wrn, layers: 10, widening: 1, dropout: 0.3}\n" + kSgd +
                             "evaluate: {batch_size: 16}\ntrain: {length: {epochs: 2}, precision: float64}\n");
  const Trained eager = train(spec, *gpu, {.why_eager = "asked for"});
  // The first recording is that of an iteration, the second that of an evaluation, with which both end.
  for (const int failing : {0, 1}) {
    CAPTURE(failing);
    const auto make = [&, made = std::make_shared<int>(0)]() -> std::unique_ptr<training::Graph> {
      if ((*made)++ == failing) return std::make_unique<LookingGraph>(*gpu);
      return gpu->make_graph ? gpu->make_graph() : training::make_graph(gpu->device);
    };
    const training::TrainResult result = [&] {
      const Trained other = train(spec, {gpu->device, make});
      REQUIRE(largest_difference(eager, other) < 1e-9);
      return other.result();
    }();
    REQUIRE(result.iteration.starts_with(failing == 0 ? "eager: recording failed"
                                                      : "captured at first, then eager: recording failed"));
    REQUIRE(result.iterations == 16);
    REQUIRE(result.replays == (failing == 0 ? 0 : 5));
    REQUIRE(result.evaluation_replays == 0);
    REQUIRE(result.last.loss == Approx(eager.result().last.loss).epsilon(1e-9));
  }
}

TEST_CASE("every number type trains on a GPU as float32 does on the CPU, channels last or not") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const std::string images =
      "dataset: {name: generated_images, size_px: 8, train_images: 64, test_images: 32, batch_size: 8}\n";
  const double expected = train_on_cpu(tests::read_experiment(images + kNet + kSgd + "algorithm: {name: apg2}\n" +
                                                              "train: {length: {epochs: 1}}\n"))
                              .result()
                              .last.loss;
  for (const std::string precision : {"float32", "tf32", "bfloat16", "float16"}) {
    for (const std::string channels_last : {"true", "false"}) {
      CAPTURE(precision, channels_last);
      const ExperimentSpec spec = tests::read_experiment(
          images + kNet + kSgd + "algorithm: {name: apg2}\ntrain: {length: {epochs: 1}, precision: " + precision +
          ", channels_last: " + channels_last + "}\n");
      const auto result = train(spec, *gpu).result();
      REQUIRE_FALSE(result.diverged);
      REQUIRE(result.last.loss == Approx(expected).margin(0.1));
    }
  }
}

TEST_CASE("where it is asked for, a run repeats bit for bit on a GPU, recorded and not") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const std::string images =
      "dataset: {name: generated_images, size_px: 8, train_images: 44, test_images: 8, batch_size: 8}\n";
  const std::string train_twice = "train: {length: {epochs: 2}, deterministic: true, precision: ";
  const std::string mdeq =  // with all operators there are: strides, pools, nearest neighbours
      "model: {name: mdeq, width: [8, 8], expansion: 2, head_width: [4, 8], features: 32, dropout: 0,\n"
      "        solver: {name: anderson, steps: 4, tolerance: 0}}\n";
  for (const std::string& net : {kNet + "algorithm: {name: apg2}\ntransition: {name: dense}\n", mdeq}) {
    for (const std::string precision : {"float32", "bfloat16"}) {
      CAPTURE(net, precision);
      const ExperimentSpec spec = tests::read_experiment(images + net + kSgd + train_twice + precision + "}\n");
      const Trained one = train(spec, *gpu), other = train(spec, *gpu);
      REQUIRE(one.result().iteration == "captured");
      REQUIRE(largest_difference(one, other) == 0);
      const Trained eager = train(spec, *gpu, {.why_eager = "asked for"});
      REQUIRE(largest_difference(eager, train(spec, *gpu, {.why_eager = "asked for"})) == 0);
    }
  }
}

TEST_CASE("a run that diverges on a GPU is noticed at the next log point and keeps finite weights") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const ExperimentSpec spec =
      tests::read_experiment(kImages + kNet + "algorithm: {name: gradient_descent}\n" +
                             "optimizer: {name: sgd, learning_rate: 1.0e+30}\n"
                             "train: {length: {iterations: 40}, log_every: {iterations: 10}}\n");
  const Trained trained = train(spec, *gpu);
  REQUIRE(trained.result().diverged);
  for (const Tensor& parameter : trained.network.module.ptr()->parameters()) {
    REQUIRE(parameter.isfinite().all().item<bool>());
  }
}

TEST_CASE("stopped and continued on a GPU, a run ends like an unbroken one") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const TemporaryFolder folder;
  const ExperimentSpec spec = tests::read_experiment(
      kImages + kNet + kSgd + "algorithm: {name: ladmm}\ntrain: {length: {iterations: 12}, precision: float64}\n");
  const Trained unbroken = train(spec, *gpu);
  train(spec, *gpu, {.checkpoints = folder.path(), .stop_after = 7});
  const Trained continued = train(spec, *gpu, {.checkpoints = folder.path()});
  REQUIRE(continued.result().resumed_at == 7);
  REQUIRE(largest_difference(unbroken, continued) < 1e-9);
}

TEST_CASE("several seeds are one network on a GPU, trained and tested as on the CPU") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const std::string precision : {"float64", "float32"}) {
    CAPTURE(precision);
    const ExperimentSpec spec = tests::read_experiment(
        "dataset: {name: nested_rings, points_per_ring: 16, iterations_per_epoch: 12}\n"
        "module: {name: dense_two_layer, hidden: 8}\nalgorithm: {name: momentum, coefficients: {g: 0.9}}\n"
        "depth: 5\nwidth: 2\nseeds: [1, 2, 3, 4]\noptimizer: {name: adam, learning_rate: 0.01}\n"
        "train: {length: {epochs: 1}, gradient_clip: 1.0, precision: " +
        precision + "}\n");
    const Trained cpu = train_on_cpu(spec), other = train(spec, *gpu);
    REQUIRE(other.result().iteration == "captured");
    REQUIRE(other.result().replays == 9);
    REQUIRE(largest_difference(cpu, other) < (precision == "float64" ? 1e-8 : 1e-4));
    for (size_t run = 0; run < 4; ++run) {
      REQUIRE(other.results[run].last.loss == Approx(cpu.results[run].last.loss).epsilon(1e-3));
      REQUIRE(other.results[run].last.margin.has_value());
    }
  }
}

TEST_CASE("the most memory that was taken of a GPU is known, and of a CPU none") {
  CHECK(base::peak_device_bytes("cpu") == 0);
  const auto gpu = accelerator();
  if (!gpu || !gpu->device.is_cuda()) return;
  const Tensor made = torch::zeros({8 << 20}, torch::TensorOptions().dtype(torch::kUInt8).device(gpu->device));
  CHECK(base::peak_device_bytes(gpu->device.str()) >= made.numel());
}
