// Fast convolutions in whole networks: wherever there are 3x3 convolutions they run, a stopped run continues to the
// bit, and what is counted of a network does not depend on how it is computed.
#include "experiment/from_yaml.h"
#include "optdnn/base/files.h"
#include "optdnn/baselines/cost.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/run.h"
#include "optdnn/kernels/cpu_convolve.h"
#include "optdnn/training/precision.h"
#include "support/temporary_folder.h"

namespace optdnn::experiment {
namespace {

using kernels::Pass, kernels::Way;

const std::string kData =
    "dataset:   {name: generated_images, size_px: 16, classes: 3, train_images: 48, test_images: 6, batch_size: 8}\n";
const std::string kRule =
    "algorithm: {name: gradient_descent}\nmodule: {name: conv_preact}\ndepth: [1, 1]\nwidth: [16, 32]\n";
const std::string kTrain =
    "optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9}\ntrain: {length: {iterations: 9}";

const std::vector<std::string> kNetworks = {
    kRule,
    "algorithm: {name: apg2}\nmodule: {name: conv_postact}\ndepth: 2\nwidth: 16\n",
    "algorithm: {name: dense}\nmodule: {name: conv_single}\ntransition: {name: dense}\ndepth: [2, 2]\nwidth: [12, "
    "12]\n",
    "algorithm: {name: pgd}\nmodules: {T: {name: conv_preact}, S: {name: implicit_conv}}\ndepth: 2\nwidth: 16\n"
    "solver: {name: anderson, steps: 4}\n",
    "model: {name: resnet, layers: 8}\n",
    "model: {name: wrn, layers: 10, widening: 2}\n",
    "model: {name: densenet, layers: 7, growth: 12}\n",
    "model: {name: deq, width: 16, hidden: 16, solver: {name: anderson, steps: 4}}\n",
};

ExperimentSpec spec_of(const std::string& network, const std::string& convolutions) {
  return tests::read_experiment(kData + network + kTrain + ", convolutions: " + convolutions + "}\n");
}

struct Passed {
  double loss;
  kernels::ConvolutionCounts counts;
  std::vector<torch::Tensor> gradients, statistics;
};

Passed forward_and_backward(const ExperimentSpec& spec) {
  models::Network network = make_network(spec, {{3, 16, 16}, 3}, 1);
  training::prepare_network(*network.module.ptr(), torch::kCPU, training::Precision::float32, true);
  torch::manual_seed(2);
  const torch::Tensor images = torch::randn({8, 3, 16, 16}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto before = kernels::counted_convolutions();
  const torch::Tensor loss = network.forward(images).logsumexp(1).mean();
  loss.backward();
  Passed passed{loss.item<double>(), kernels::counted_convolutions() - before, {}, network.module.ptr()->buffers()};
  for (const torch::Tensor& weight : network.module.ptr()->parameters()) passed.gradients.push_back(weight.grad());
  return passed;
}

}  // namespace

TEST_CASE("networks with 3x3 convolutions do them fast in all passes, unless they are to be exact") {
  for (const std::string& network : kNetworks) {
    INFO(network);
    const Passed exact = forward_and_backward(spec_of(network, "exact")),
                 careful = forward_and_backward(spec_of(network, "careful")),
                 fast = forward_and_backward(spec_of(network, "fast"));
    CHECK(fast.loss == Approx(exact.loss).epsilon(1e-4));
    CHECK(careful.loss == Approx(exact.loss).epsilon(1e-4));
    CHECK(exact.counts.normed == 0);
    if (kernels::best_instructions() == kernels::Instructions::none) continue;
    const bool has_norms = network.find("deq") == std::string::npos;  // it has a group norm before its convolutions
    CHECK((fast.counts.normed > 0) == has_norms);
    CHECK((careful.counts.normed > 0) == has_norms);
    for (const Pass pass : kernels::kPasses) {
      INFO(name_of(pass));
      CHECK(fast.counts.at(pass, Way::tile_4) > 0);
      CHECK(careful.counts.at(pass, Way::tile_2) > 0);
      CHECK(careful.counts.at(pass, Way::tile_4) == 0);
      CHECK(exact.counts.at(pass, Way::tile_4) + exact.counts.at(pass, Way::tile_2) == 0);
    }
  }
}

TEST_CASE("a module that is run again in the backward pass has its norms made in its convolutions again") {
  ExperimentSpec spec = spec_of(kRule, "fast");
  const Passed once = forward_and_backward(spec);
  spec.train.recompute = true;
  const Passed again = forward_and_backward(spec);
  CHECK(again.counts.normed == 2 * once.counts.normed);
  CHECK(again.loss == Approx(once.loss).epsilon(1e-5));
  const auto close = [](const torch::Tensor& a, const torch::Tensor& b) {
    return (a - b).norm().item<double>() <= 1e-3 * (1e-3 + b.norm().item<double>());
  };
  for (size_t i = 0; i < once.gradients.size(); ++i) CHECK(close(again.gradients[i], once.gradients[i]));
  for (size_t i = 0; i < once.statistics.size(); ++i) CHECK(close(again.statistics[i], once.statistics[i]));
}

TEST_CASE("multiply-adds are the network's, not those of the way it is computed") {
  for (const std::string convolutions : {"exact", "fast"}) {
    models::Network network = make_network(spec_of(kRule, convolutions), {{3, 16, 16}, 3}, 1);
    network.module.ptr()->eval();
    const torch::NoGradGuard no_grad;
    const torch::Tensor images = torch::zeros({4, 3, 16, 16}).contiguous(at::MemoryFormat::ChannelsLast);
    const int64_t counted = baselines::count_multiply_adds([&] { network.forward(images); });
    // stem, two convolutions, the strided 1x1 between stages, two more, the head
    const int64_t per_image = 9 * 3 * 16 * 256 + 2 * 9 * 16 * 16 * 256 + 16 * 32 * 64 + 2 * 9 * 32 * 32 * 64 + 32 * 3;
    CHECK(counted == 4 * per_image);
  }
}

TEST_CASE("a run by fast convolutions that is stopped continues to the bit") {
  const TemporaryFolder folder;
  base::write_file_atomically(folder / "fast.yaml", kData + kRule + kTrain + "}\n");
  base::Diagnostics diagnostics;
  const Table table = read_table(folder / "fast.yaml", {}, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  CHECK(table.rows.front().spec.train.convolutions == kernels::Convolutions::fast);  // the default
  const auto trained = [&](const std::string& name, int polls_before_stop) {
    RunOptions options;
    options.out = folder / name;
    options.quiet = true;
    options.seconds = [] { return 0.0; };
    DataSets datasets("", "cpu");
    int polls = 0;
    options.stop_requested = [&] { return ++polls == polls_before_stop; };
    while (run(table, table.rows.front(), {3}, options, datasets).front().status != RunOutcome::Status::finished) {
    }
    return base::read_file(run_folder(options.out, table, table.rows.front(), 3).checkpoints() / "last.safetensors",
                           1 << 26);
  };
  CHECK(trained("whole", -1) == trained("stopped", 6));
}

TEST_CASE("vectors have no choice of convolutions") {
  const auto spec = tests::read_experiment(
      "dataset: {name: nested_rings}\nalgorithm: {name: gradient_descent}\nmodule: {name: dense_two_layer}\n"
      "depth: 2\nwidth: 2\ntrain: {length: {epochs: 1}}\n");
  CHECK(spec.train.convolutions == kernels::Convolutions::exact);
}

}  // namespace optdnn::experiment
