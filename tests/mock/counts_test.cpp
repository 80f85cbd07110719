// What one iteration asks of a GPU: operators, each a kernel or a few, and no moment at which the host waits. The
// numbers are golden: where one changes, say why, and how much of it a user will see.
#include "support/asked.h"
#include "support/kernel_checks.h"

using namespace optdnn;
using namespace optdnn::tests;

namespace {

struct Counted {
  std::string name, yaml;
  int64_t float32, bfloat16, by_operators;  // the last: bfloat16 without the project's kernels
  std::string train = {};                   // more of what `train` holds
};

const std::string kTinyImages =
    "dataset: {name: generated_images, size_px: 16, train_images: 32, test_images: 4, batch_size: 4}\n"
    "optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1.0e-4}\n";
const std::string kResnet20 = "module: {name: conv_preact}\ndepth: [3, 3, 3]\nwidth: [4, 8, 8]\n";
const std::string kDeep = "module: {name: conv_preact}\ndepth: [18, 18, 18]\nwidth: [2, 2, 2]\n";
const std::string kPatches =
    "dataset: {name: generated_images, size_px: 32, train_images: 32, test_images: 4, batch_size: 4}\n"
    "optimizer: {name: adamw, learning_rate: 0.001, weight_decay: 0.05}\n";
const std::string kRings =
    "dataset: {name: nested_rings, points_per_ring: 4, iterations_per_epoch: 8}\n"
    "module: {name: dense_two_layer, hidden: 4}\ndepth: 15\nwidth: 2\nalgorithm: {name: momentum}\n"
    "optimizer: {name: adam, learning_rate: 0.01}\n";

const std::vector<Counted>& counted() {
  static const std::vector<Counted> nets = {
      {"ResNet-20", kTinyImages + kResnet20 + "algorithm: {name: gradient_descent}\n", 149, 162, 226},
      {"ResNet-20, augmented, clipped, averaged",
       "dataset: {name: generated_images, size_px: 16, train_images: 32, test_images: 4, batch_size: 4, augment: "
       "[crop, "
       "flip, cutout]}\noptimizer: {name: adamw, learning_rate: 0.01}\n" +
           kResnet20 + "algorithm: {name: gradient_descent}\n",
       151, 164, 274, ", gradient_clip: 1.0, ema: {decay: 0.99}"},
      {"apg2", kTinyImages + kResnet20 + "algorithm: {name: apg2}\n", 149, 162, 268},
      {"apg2, gamma learned",
       kTinyImages + kResnet20 + "algorithm: {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step}}}\n", 176,
       189, 296},
      {"apg2 of 110 layers", kTinyImages + kDeep + "algorithm: {name: apg2}\n", 694, 713, 1393},
      {"ConvNeXt",
       kPatches +
           "module: {name: convnext}\ndepth: [3, 3, 9]\nwidth: [4, 4, 8]\nstem: {name: patchify}\n"
           "transition: {name: norm_conv}\nhead: {name: pool_norm_linear}\nalgorithm: {name: gradient_descent}\n",
       341, 408, 721},
      {"ViT",
       kPatches + "module: {name: transformer, heads: 2}\ndepth: 12\nwidth: 8\nstem: {name: class_token}\n"
                  "head: {name: class_token}\nalgorithm: {name: gradient_descent}\n",
       634, 798, 1037},
      {"rings, momentum", kRings, 25, 497, 510},
      {"rings, momentum, 32 seeds",
       kRings +
           "seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, "
           "27, 28, 29, 30, 31]\n",
       30, 531, 608},
  };
  return nets;
}

}  // namespace

TEST_CASE("an iteration asks a GPU for so many operators, and never waits for it") {
  const auto device = accelerator();
  if (!device) return;
  for (const Counted& net : counted()) {
    const auto asked = [&](const std::string& precision, bool by_kernels) {
      const auto without = by_kernels ? nullptr : std::make_unique<WithoutKernels>();
      const Asked all = asked_in_an_iteration(
          read_experiment(net.yaml + "train: {length: {epochs: 1}, precision: " + precision + net.train + "}\n"),
          *device);
      CAPTURE(net.name, precision, by_kernels, all.most, all.waits);
      CHECK(all.waits.empty());
      return all.operators;
    };
    CAPTURE(net.name);
    CHECK(asked("float32", true) == net.float32);
    CHECK(asked("bfloat16", true) == net.bfloat16);
    CHECK(asked("bfloat16", false) == net.by_operators);
  }
}
