// Search: what is drawn, that trials at once are trials alone, that a planted value is found, and that the test set is
// not read before the last training.
#include "optdnn/experiment/search.h"

#include <cmath>
#include <fstream>

#include "experiment/from_yaml.h"
#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/experiment/train_runs.h"
#include "optdnn/experiment/trials.h"
#include "support/contains_text.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::experiment;
namespace fs = std::filesystem;
using tests::contains_text;

namespace {

const std::string kSearchedRings =
    "dataset: {name: nested_rings, points_per_ring: 16, test_points_per_ring: 16, validation: {samples: 64}}\n"
    "module: {name: dense_two_layer, hidden: 8}\ndepth: 4\nwidth: 2\nhead: {name: read_state}\n"
    "train: {length: {iterations: 30}, precision: float64}\n";
const std::string kSearchedImages =
    "dataset: {name: generated_images, classes: 2, size_px: 8, train_images: 24, test_images: 8, batch_size: 8,\n"
    "  validation: {samples: 8}}\n"
    "algorithm: gradient_descent\nmodule: {name: conv_preact}\ndepth: 1\nwidth: 4\ntrain: {length: {epochs: 1}}\n"
    "optimizer: {name: sgd, learning_rate: 0.1}\n";

// Rules with constants that are searched, two optimizers with decay, and a path that is not a number.
const std::vector<std::string> kSearches = {
    kSearchedRings + "algorithm: {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step, range: [0, 3]}}}\n" +
        "optimizer: {name: adam, learning_rate: 0.01}\n" +
        "search: {trials: 32, space: {optimizer.learning_rate: {log: [1.0e-3, 0.1]}, init.scale: {uniform: [0.5, 2]},\n"
        "  algorithm.coefficients.theta: {uniform: [0.1, 0.9]},\n"
        "  algorithm.coefficients.gamma.value: {uniform: [0.5, 2]}}}\n",
    kSearchedRings + "algorithm: {name: heavy_ball}\n" +
        "optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true, decay_on: weights}\n" +
        "search: {trials: 4, seed: 3, space: {optimizer.learning_rate: {log: [1.0e-3, 0.1]},\n"
        "  optimizer.weight_decay: {log: [1.0e-4, 0.1]}, algorithm.coefficients.beta: {uniform: [0, 0.9]}}}\n",
    kSearchedRings + "algorithm: {name: gradient_descent}\n" + "optimizer: {name: adamw, learning_rate: 0.01}\n" +
        "search: {trials: 4, select: valid/error_pct, space: {optimizer.learning_rate: {log: [1.0e-3, 0.1]},\n"
        "  optimizer.weight_decay: {uniform: [0, 0.5]}, module.hidden: [4, 8],\n"
        "  algorithm.coefficients.theta: {uniform: [0.1, 0.9]}}}\n",
};

Table table_of(const std::string& yaml) {
  Table table;
  table.file = "test.yaml";
  table.stem = "test";
  table.rows.push_back({"row", tests::read_experiment(yaml), std::nullopt, {}, {}, {}});
  return table;
}

RunOptions options_for(const fs::path& out) {
  base::set_log_level(base::LogLevel::error);
  RunOptions options;
  options.out = out;
  options.threads = 1;
  options.loader_threads = 0;
  options.quiet = true;
  return options;
}

std::optional<SearchResult> search_in(const Table& table, const RunOptions& options) {
  DataSets datasets(options.data, options.device);
  return search(table, table.rows.front(), options, datasets);
}

nlohmann::json summary_in(const fs::path& folder) {
  return nlohmann::json::parse(base::read_file(folder / "summary.json", 1 << 20));
}

// Counts what is asked of a data set.
struct Reads {
  int64_t train = 0, valid = 0, test = 0, largest_train_size = 0;
  std::function<void()> before_test;
};

class CountedSet : public data::DataSet {
 public:
  CountedSet(std::unique_ptr<data::DataSet> set, Reads& reads) : set_(std::move(set)), reads_(reads) {}
  data::DataShape shape() const override { return set_->shape(); }
  int64_t size(data::Split split) const override { return set_->size(split); }
  bool fresh() const override { return set_->fresh(); }
  data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                    const std::vector<int64_t>& indices) const override {
    if (split == data::Split::test && reads_.test++ == 0) reads_.before_test();
    if (split == data::Split::valid) ++reads_.valid;
    if (split == data::Split::train) {
      ++reads_.train;
      reads_.largest_train_size = std::max(reads_.largest_train_size, set_->size(split));
    }
    return set_->batch(split, seed, epoch, indices);
  }

 private:
  std::unique_ptr<data::DataSet> set_;
  Reads& reads_;
};

}  // namespace

TEST_CASE("a draw is a function of seed, path and number, within its range") {
  const SearchSpec spec = *tests::read_experiment(kSearches[0]).search;
  const DrawSpec& rate = spec.space.at("optimizer.learning_rate");
  double smallest = 1, largest = 0;
  for (int64_t i = 0; i < 200; ++i) {
    const config::Node drawn = rate.draw(0, "optimizer.learning_rate", i);
    REQUIRE(drawn == rate.draw(0, "optimizer.learning_rate", i));
    const double value = std::stod(drawn.text());
    REQUIRE(value >= 1e-3);
    REQUIRE(value <= 0.1);
    smallest = std::min(smallest, value);
    largest = std::max(largest, value);
  }
  REQUIRE(smallest < 1.2e-3);
  REQUIRE(largest > 0.08);
  REQUIRE_FALSE(rate.draw(0, "optimizer.learning_rate", 1) == rate.draw(1, "optimizer.learning_rate", 1));
  REQUIRE_FALSE(rate.draw(0, "optimizer.learning_rate", 1) == rate.draw(0, "init.scale", 1));
}

TEST_CASE("as many draws as a list has values see each once") {
  DrawSpec draw;
  for (const char* value : {"1", "2", "3", "4"}) draw.values.push_back(config::Node::scalar(value));
  for (const int64_t first : {0, 4}) {
    std::set<std::string> seen;
    for (int64_t i = first; i < first + 4; ++i) seen.insert(draw.draw(5, "module.hidden", i).text());
    REQUIRE(seen.size() == 4);
  }
}

TEST_CASE("rows of a block see the same draws and skip the paths that they lack") {
  const auto gradient_descent = draw_values(tests::read_experiment(kSearches[2]), 3);
  REQUIRE(gradient_descent.size() == 3);  // its rule has no theta
  REQUIRE_FALSE(gradient_descent.contains("algorithm.coefficients.theta"));
  const auto apg2 = draw_values(tests::read_experiment(kSearches[0]), 3);
  REQUIRE(apg2.size() == 4);
  REQUIRE(apg2.at("optimizer.learning_rate") == gradient_descent.at("optimizer.learning_rate"));
}

TEST_CASE("trials at once are the trials alone, and those the plain runs with their values") {
  for (size_t number = 0; number < kSearches.size(); ++number) {
    CAPTURE(number);
    const Table table = table_of(kSearches[number]);
    const ExperimentSpec& spec = table.rows.front().spec;
    const TemporaryFolder folder;
    RunOptions together = options_for(folder / "together"), alone = options_for(folder / "alone");
    alone.alone = true;
    const auto result = search_in(table, together);
    REQUIRE(result);
    REQUIRE(search_in(table, alone)->summary["values"] == result->summary["values"]);
    for (int64_t i = 0; i < spec.search->trials; ++i) {
      CAPTURE(i);
      const fs::path place = fs::path("test/row/search") / ("trial-" + std::to_string(i)) /
                             ("seed-" + std::to_string(trial_seed(*spec.search, 0)));
      const auto at_once = summary_in(together.out / place);
      REQUIRE(at_once["runs_at_once"] > 1);
      REQUIRE_FALSE(at_once["last"].contains("test/loss"));
      const double expected = at_once["last"]["valid/loss"];
      REQUIRE(summary_in(alone.out / place)["last"]["valid/loss"].get<double>() == Approx(expected).epsilon(1e-9));

      base::Diagnostics diagnostics;
      RunPlan plain;
      plain.runs.push_back({as_trial(with_values(spec, draw_values(spec, i), diagnostics)),
                            trial_seed(*spec.search, 0),
                            {folder / "plain" / std::to_string(i)}});
      DataSets datasets("", "cpu");
      REQUIRE_FALSE(train_runs(table, table.rows.front(), plain, alone, datasets).front().error);
      // A coefficient that is a parameter begins as float32, and training multiplies what that rounds.
      REQUIRE(summary_in(folder / "plain" / std::to_string(i))["last"]["valid/loss"].get<double>() ==
              Approx(expected).epsilon(1e-4));
    }
  }
}

TEST_CASE("a planted value is found, and trained with on reported seeds") {
  // Of these learning rates one learns and one diverges; the others hardly move.
  const std::string yaml =
      kSearchedRings + "algorithm: nesterov\noptimizer: {name: sgd, learning_rate: 1.0e-7}\n" +
      "search: {trials: 5, space: {optimizer.learning_rate: [1.0e-7, 1.0e-6, 0.05, 1.0e-8, 1.0e9]}}\n";
  const Table table = table_of(yaml);
  const TemporaryFolder folder;
  const RunOptions options = options_for(folder / "runs");
  DataSets datasets("", "cpu");
  const auto outcomes = run(table, table.rows.front(), {0, 1}, options, datasets);
  REQUIRE(outcomes.size() == 2);
  for (const RunOutcome& outcome : outcomes) {
    REQUIRE_FALSE(outcome.error);
    const auto summary = summary_in(options.out / "test/row" / ("seed-" + std::to_string(outcome.seed)));
    REQUIRE(summary["search"]["values"]["optimizer.learning_rate"] == 0.05);
    REQUIRE(summary["last"].contains("test/loss"));
    REQUIRE_FALSE(summary["last"].contains("valid/loss"));  // trained on all samples
  }
  for (const auto& trial : fs::directory_iterator(options.out / "test/row/search")) {
    if (!trial.is_directory()) continue;
    for (const auto& run_folder : fs::directory_iterator(trial)) {
      REQUIRE(run_folder.path().filename().string() >= "seed-1000000000");
    }
  }
}

TEST_CASE("no test sample is read before the last training, which has all training samples") {
  for (const std::string& yaml :
       {kSearchedImages + "search: {trials: 4, space: {optimizer.learning_rate: {log: [0.01, 0.2]}}}\n",
        kSearches[0]}) {
    const Table table = table_of(yaml);
    const TemporaryFolder folder;
    const RunOptions options = options_for(folder / "runs");
    const fs::path chosen = options.out / "test/row/search/chosen.yaml";
    Reads reads;
    bool was_chosen = false;
    int64_t valid_reads = 0;
    reads.before_test = [&] {
      was_chosen = fs::exists(chosen);
      valid_reads = reads.valid;
    };
    DataSets datasets([&](const data::DataSetSpec& spec) {
      return std::make_unique<CountedSet>(data::make_dataset(spec, ""), reads);
    });
    REQUIRE_FALSE(run(table, table.rows.front(), {0}, options, datasets).front().error);
    REQUIRE(was_chosen);
    REQUIRE(valid_reads > 0);
    REQUIRE(reads.valid == valid_reads);
    if (yaml.starts_with(kSearchedImages)) REQUIRE(reads.largest_train_size == 24);
  }
}

TEST_CASE("a search that is stopped goes on, and chooses what an unbroken one does") {
  const Table table = table_of(kSearches[1]);
  const TemporaryFolder folder;
  RunOptions options = options_for(folder / "stopped");
  const auto expected = search_in(table, options_for(folder / "unbroken"));
  for (int64_t polls : {0, 7, 30}) {
    options.stop_requested = [&polls] { return polls-- <= 0; };
    REQUIRE_FALSE(search_in(table, options));
    REQUIRE_FALSE(fs::exists(options.out / "test/row/search/chosen.yaml"));
  }
  options.stop_requested = {};
  REQUIRE(search_in(table, options)->summary == expected->summary);
  REQUIRE(search_in(table, options)->summary == expected->summary);  // read from chosen.yaml
}

TEST_CASE("a choice of another search is refused") {
  const TemporaryFolder folder;
  const RunOptions options = options_for(folder / "runs");
  Table table = table_of(kSearches[1]);
  REQUIRE(search_in(table, options));
  table.rows.front().spec.search->trials = 3;
  REQUIRE_THROWS_AS(search_in(table, options), base::ConfigError);
}

namespace {

std::string messages_of(const std::string& rows, const std::vector<std::string>& sets = {}) {
  const TemporaryFolder folder;
  std::ofstream(folder / "t.yaml") << rows;
  base::Diagnostics diagnostics;
  read_table(folder / "t.yaml", sets, diagnostics);
  return diagnostics.render();
}

}  // namespace

TEST_CASE("a search is refused where no row has the path, a value does not fit, or nothing is held out") {
  const std::string good = kSearchedRings + "algorithm: nesterov\noptimizer: {name: sgd}\n";
  const auto with = [&](const std::string& space) { return messages_of(good + "search: {space: " + space + "}\n"); };
  REQUIRE(with("{optimizer.momentum: {uniform: [0, 0.9]}}").empty());
  REQUIRE(with("{optimizer.momentun: {uniform: [0, 0.9]}}").find("no row has a key 'optimizer.momentun'") !=
          std::string::npos);
  REQUIRE(with("{optimizer.momentum: {uniform: [0, 1.5]}}").find("1.5 is no value of optimizer.momentum") !=
          std::string::npos);
  REQUIRE(messages_of("dataset: nested_rings\nalgorithm: nesterov\nmodule: {name: dense_two_layer}\nwidth: 2\n"
                      "train: {length: {epochs: 1}}\nsearch: {space: {optimizer.learning_rate: {log: [0.1, 1]}}}\n")
              .find("chooses on a validation set") != std::string::npos);
}

TEST_CASE("what a sweep gives is not searched, nor is what a search is judged by; what is overridden is left alone") {
  const std::string good = kSearchedRings + "algorithm: nesterov\noptimizer: {name: sgd}\n";
  const std::string search = "search: {space: {optimizer.momentum: {uniform: [0, 0.9]}}}\n";
  REQUIRE_THAT(messages_of(good + search + "grid: {optimizer.momentum: [0.1, 0.2]}\n"),
               contains_text("would replace 'optimizer.momentum', which is given at"));
  REQUIRE_THAT(messages_of(good + search + "grid: {optimizer: [{name: sgd, momentum: 0.5}]}\n"),
               contains_text("would replace 'optimizer'"));
  REQUIRE(messages_of(good + search + "grid: {optimizer.learning_rate: [0.1, 0.2]}\n", {"depth=2"}).empty());
  for (const std::string item :
       {"seeds: [[1], [2]]", "dataset.validation: [{samples: 8}]", "evaluate.every: [{epochs: 1}]"}) {
    CAPTURE(item);
    REQUIRE_THAT(messages_of(good + "search: {space: {" + item + "}}\n"),
                 contains_text("nothing that a search can choose"));
  }
  REQUIRE_THAT(messages_of(good + "search: {space: {dataset.rings: [2, 3]}}\n"), contains_text("is another data set"));

  const auto row_of = [](const std::string& text, const std::vector<std::string>& sets, bool searches = true) {
    const TemporaryFolder folder;
    std::ofstream(folder / "t.yaml") << text;
    base::Diagnostics diagnostics;
    const Table table = read_table(folder / "t.yaml", sets, diagnostics, "data", {}, searches);
    REQUIRE(diagnostics.all().empty());
    return table.rows.front();
  };
  const auto space_with = [&](const std::string& set) {
    const std::string two = "search: {space: {optimizer.momentum: {uniform: [0, 0.9]}, depth: [2]}}\n";
    return row_of(good + two, {set}).spec.search->space;
  };
  REQUIRE(space_with("width=2").size() == 2);
  REQUIRE(space_with("optimizer.momentum=0.5").size() == 1);
  REQUIRE(space_with("optimizer={name: sgd, momentum: 0.5}").size() == 1);
  REQUIRE(space_with("optimizer={name: sgd, learning_rate: 0.5}").size() == 2);

  // Nothing is left to search, or it is not asked for: all training samples are trained on, as after a search.
  const std::string swept = search + "grid: {optimizer.momentum: [0.1, 0.2]}\n";
  for (const Row& row : {row_of(good + search, {"optimizer.momentum=0.5"}), row_of(good + swept, {}, false)}) {
    REQUIRE_FALSE(row.spec.search);
    REQUIRE_FALSE(data::has_validation(row.spec.dataset));
  }
}
