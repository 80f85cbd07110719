// A whole run with everything of the ImageNet recipe that is random or remembers: stopped and continued, it ends with
// the bits of an unbroken one.
#include <fstream>

#include "optdnn/base/files.h"
#include "optdnn/experiment/run.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace optdnn;

namespace {

const char* kConfig = R"(
dataset:    {name: generated_images, size_px: 16, classes: 3, train_images: 24, test_images: 6, batch_size: 4,
              augment: [flip, mixup]}
algorithm:  {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step, range: [0, 3]}}}
module:     {name: convnext, layer_scale: 0.1, drop_path: 0.5}
depth:      [2, 2]
width:      [8, 16]
stem:       {name: patchify}
transition: {name: norm_conv}
head:       {name: pool_norm_linear}
loss:       {name: cross_entropy, label_smoothing: 0.1}
optimizer:  {name: adamw, learning_rate: 0.01, weight_decay: 0.05, decay_on: weights}
schedule:   {name: cosine, warmup: {iterations: 2}}
train:      {length: {iterations: 8}, accumulate: 2, ema: {decay: 0.9}, recompute: true, precision: bfloat16}
)";

std::string trained(const experiment::Table& table, const std::filesystem::path& out, int polls_before_stop) {
  experiment::RunOptions options;
  options.out = out;
  options.quiet = true;
  options.seconds = [] { return 0.0; };
  experiment::DataSets datasets("", "cpu");
  int polls = 0;
  options.stop_requested = [&] { return ++polls == polls_before_stop; };
  while (experiment::run(table, table.rows.front(), {3}, options, datasets).front().status !=
         experiment::RunOutcome::Status::finished) {
  }
  const auto folder = experiment::run_folder(out, table, table.rows.front(), 3);
  return base::read_file(folder.checkpoints() / "last.safetensors", 1 << 26);
}

}  // namespace

TEST_CASE("a run with drop path, recomputation and a moving average continues to the bit") {
  const optdnn::TemporaryFolder folder;
  base::write_file_atomically(folder / "vision.yaml", kConfig);
  base::Diagnostics diagnostics;
  const experiment::Table table = experiment::read_table(folder / "vision.yaml", {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  const std::string whole = trained(table, folder / "whole", -1);
  REQUIRE(trained(table, folder / "stopped", 6) == whole);
}
