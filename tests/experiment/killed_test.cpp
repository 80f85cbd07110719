// Whole runs, killed before every iteration: what the folder holds in the end is what an unbroken run leaves.
#include <fstream>
#include <map>

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/experiment/run.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace optdnn::experiment {
namespace {

struct Killed {};

const std::string kImages =
    "dataset: {name: generated_images, size_px: 8, train_images: 40, test_images: 8, batch_size: 8, augment: [crop, "
    "flip]}\n";
const std::string kVectors =
    "dataset: {name: nested_rings, points_per_ring: 8, test_points_per_ring: 8, iterations_per_epoch: 5}\n";

// Each trains for six iterations with a checkpoint every other one.
const std::vector<std::pair<std::string, std::string>> kRuns = {
    {"augmentation", kImages + "algorithm: {name: apg2}\nmodule: {name: conv_preact}\ndepth: 2\nwidth: 4\n"},
    {"dropout", kImages + "model: {name: wrn, layers: 10, widening: 1, dropout: 0.3}\n"},
    {"drop_path", kImages +
                      "algorithm: {name: gradient_descent}\nmodule: {name: transformer, heads: 2, drop_path: 0.3}\n"
                      "stem: {name: class_token, patch_px: 4}\nhead: {name: class_token}\ndepth: 2\nwidth: 8\n"},
    {"implicit", kImages +
                     "algorithm: {name: pgd}\nmodules: {T: {name: conv_preact}, S: {name: implicit_conv}}\ndepth: 2\n"
                     "width: 4\nsolver: {name: anderson, steps: 4}\n"},
    {"seeds_together", kVectors + "algorithm: {name: nesterov}\nmodule: {name: dense_two_layer, hidden: 4}\ndepth: 2\n"
                                  "width: 2\noptimizer: {name: adamw, learning_rate: 0.01}\nseeds: [0, 1, 2]\n"},
};

// Files of every run that must be equal bit by bit, by their path below the folder.
std::map<std::string, std::string> left_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == "last.safetensors" || name == "state.safetensors" || name == "metrics.jsonl" || name == "metrics.csv")
      files[std::filesystem::relative(entry.path(), folder).string()] = base::read_file(entry.path(), 1 << 24);
  }
  return files;
}

bool train_once(const Table& table, const std::filesystem::path& out, int64_t kill_at) {
  RunOptions options;
  options.out = out;
  options.threads = 1;
  options.loader_threads = 0;
  options.quiet = true;
  options.seconds = [] { return 1.0; };
  // Polled once before the network is made, then before every iteration.
  options.stop_requested = [polls = int64_t{0}, kill_at]() mutable {
    if (polls++ == kill_at + 1) throw Killed();
    return false;
  };
  DataSets datasets("", "cpu");
  bool all_finished = true;
  for (const RunOutcome& outcome : run(table, table.rows.front(), table.rows.front().spec.seeds, options, datasets))
    all_finished = all_finished && outcome.status == RunOutcome::Status::finished;
  return all_finished;
}

}  // namespace

TEST_CASE("runs that were killed before any of their iterations leave what an unbroken one leaves") {
  for (const auto& [name, yaml] : kRuns) {
    const TemporaryFolder folder;
    std::ofstream(folder / "c.yaml") << yaml
                                     << "train: {length: {iterations: 6}, save_every: {iterations: 2}, log_every: "
                                        "{iterations: 1}}\n";
    base::Diagnostics diagnostics;
    const Table table = read_table(folder / "c.yaml", {}, diagnostics);
    INFO(diagnostics.render());
    REQUIRE(!diagnostics.has_errors());
    REQUIRE(train_once(table, folder / "unbroken", -10));
    const auto expected = left_in(folder / "unbroken");
    REQUIRE(expected.size() == 4 * table.rows.front().spec.seeds.size());
    for (int64_t kill_at = 0; kill_at < 6; ++kill_at) {
      const auto out = folder / std::to_string(kill_at);
      REQUIRE(!train_once(table, out, kill_at));
      REQUIRE(train_once(table, out, -10));
      const auto left = left_in(out);
      CAPTURE(name, kill_at, left.size());
      for (const auto& [file, bytes] : expected) {
        CAPTURE(file);
        const bool same = left.contains(file) && left.at(file) == bytes;
        REQUIRE(same);
      }
    }
  }
}

}  // namespace optdnn::experiment
