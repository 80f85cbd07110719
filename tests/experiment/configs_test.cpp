// Every shipped config is read, resolved, hashed and built; adding a file adds its test.
#include <filesystem>
#include <set>

#include "optdnn/base/files.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/read.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/converge.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/run_folder.h"
#include "optdnn/experiment/table.h"
#include "support/catch.h"

using namespace optdnn;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> shipped_files(bool studies) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(OPTDNN_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() == ".yaml" && experiment::is_study(entry.path()) == studies)
      files.push_back(entry.path());
  }
  return files;
}

experiment::Table must_read(const fs::path& file, const std::vector<std::string>& sets = {}) {
  base::Diagnostics diagnostics;
  experiment::Table table = experiment::read_table(file, sets, diagnostics);
  experiment::match_rows(table, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  return table;
}

// Each read once: finding the widths of rows that match a cost takes a while.
const std::vector<experiment::Table>& shipped_tables() {
  static const std::vector<experiment::Table> tables = [] {
    std::vector<experiment::Table> read;
    for (const fs::path& file : shipped_files(false)) read.push_back(must_read(file));
    return read;
  }();
  return tables;
}

}  // namespace

TEST_CASE("an override that is wrong for rows that nobody asked for leaves those as they are written") {
  const fs::path file = fs::path(OPTDNN_SOURCE_DIR) / "configs/table_1_telgarsky.yaml";
  const std::vector<std::string> sets = {"algorithm.coefficients.beta=0.625"};
  base::Diagnostics of_all, of_asked;
  experiment::read_table(file, sets, of_all);
  REQUIRE(of_all.has_errors());
  const auto table = experiment::read_table(file, sets, of_asked, "data", {"heavy_ball-k=3"});
  INFO(of_asked.render());
  REQUIRE_FALSE(of_asked.has_errors());
  const auto written = experiment::read_table(file, {}, of_asked);
  REQUIRE(table.rows.size() == written.rows.size());
  std::vector<std::string> changed;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    if (config::to_yaml(table.rows[i].config) != config::to_yaml(written.rows[i].config)) {
      changed.push_back(table.rows[i].spec.algorithm->name);
    }
  }
  REQUIRE(std::set(changed.begin(), changed.end()) == std::set<std::string>{"heavy_ball", "nesterov"});
  base::Diagnostics of_wrong;
  experiment::read_table(file, sets, of_wrong, "data", {"apg2-k=3"});
  REQUIRE(of_wrong.all().size() == 1);
}

TEST_CASE(
    "every shipped config is read without a complaint and every row of it is built, of as many parameters as its spec "
    "counts") {
  REQUIRE(shipped_tables().size() >= 3);
  for (const experiment::Table& table : shipped_tables()) {
    INFO(table.file);
    for (const experiment::Row& row : table.rows) {
      INFO(row.id);
      const auto shape = experiment::network_shape(data::dataset_shape(row.spec.dataset));
      const auto network = experiment::make_network(row.spec, shape, 0);
      int64_t parameters = 0;
      for (const auto& parameter : network.module.ptr()->parameters()) parameters += parameter.numel();
      REQUIRE(parameters > 0);
      REQUIRE(experiment::count_network(row.spec).parameters == parameters);
    }
  }
}

TEST_CASE("the rule of a row is made once, and shared by all copies of its spec") {
  for (const experiment::Table& table : shipped_tables()) {
    for (const experiment::Row& row : table.rows) {
      const experiment::ExperimentSpec copy = row.spec;
      REQUIRE((experiment::rule_of(row.spec) != nullptr) == row.spec.algorithm.has_value());
      REQUIRE(experiment::rule_of(copy) == experiment::rule_of(row.spec));
    }
  }
}

TEST_CASE("a resolved config reads back as the same experiment, with the same hash") {
  for (const experiment::Table& table : shipped_tables()) {
    for (const experiment::Row& row : table.rows) {
      INFO(table.file << " " << row.id);
      const config::Node resolved = experiment::resolved_run(row.spec, 7);
      const auto text =
          std::make_shared<const base::SourceText>(base::SourceText{"resolved.yaml", config::to_yaml(resolved)});
      base::Diagnostics diagnostics;
      const config::Node again = config::read_yaml(text, diagnostics);
      const auto spec = experiment::read_experiment(again, diagnostics);
      INFO(diagnostics.render());
      REQUIRE_FALSE(diagnostics.has_errors());
      REQUIRE(experiment::config_hash(again) == experiment::config_hash(resolved));
      REQUIRE(experiment::config_hash(experiment::resolved(spec)) == experiment::config_hash(resolved));
    }
  }
}

TEST_CASE("rows of a table differ in hash, and so do seeds") {
  const experiment::Table table = must_read(fs::path(OPTDNN_SOURCE_DIR) / "configs/smoke.yaml");
  std::set<std::string> hashes;
  for (const auto& row : table.rows) {
    for (const uint64_t seed : {0, 1}) hashes.insert(experiment::config_hash(experiment::resolved_run(row.spec, seed)));
  }
  REQUIRE(hashes.size() == 2 * table.rows.size());
}

TEST_CASE("an override changes the value, the hash and the folder") {
  const fs::path file = fs::path(OPTDNN_SOURCE_DIR) / "configs/quickstart.yaml";
  const experiment::Table plain = must_read(file), set = must_read(file, {"optimizer.learning_rate=0.05"});
  REQUIRE(set.stem == "quickstart+learning_rate=0.05");
  REQUIRE(std::get<training::SgdSpec>(set.rows.front().spec.optimizer).learning_rate == 0.05);
  REQUIRE(experiment::config_hash(experiment::resolved_run(plain.rows.front().spec, 0)) !=
          experiment::config_hash(experiment::resolved_run(set.rows.front().spec, 0)));
}

TEST_CASE("what a row says takes back what the defaults said instead") {
  const std::string text = R"(
table: t
defaults:
  dataset: {name: nested_rings}
  algorithm: {name: apg2}
  module: {name: dense_two_layer}
  depth: 5
  width: 2
  train: {length: {epochs: 3}}
rows:
  - {id: a}
  - {id: b, model: {name: mlp}}
  - {id: c, train: {length: {iterations: 10}}}
  - {id: d, algorithm: {name: ladmm}, modules: {T: {name: dense_two_layer}, S: {name: dense_two_layer}}}
)";
  const fs::path file = fs::temp_directory_path() / "optdnn_displaced.yaml";
  base::write_file_atomically(file, text);
  const experiment::Table table = must_read(file);
  fs::remove(file);
  REQUIRE(table.rows.size() == 4);
  REQUIRE(table.rows[1].spec.model.has_value());
  REQUIRE_FALSE(table.rows[1].spec.algorithm.has_value());
  REQUIRE(table.rows[2].spec.train.length.iterations == 10);
  REQUIRE_FALSE(table.rows[2].spec.train.length.epochs.has_value());
  REQUIRE(table.rows[3].spec.modules.size() == 2);
}

TEST_CASE(
    "every shipped study is read without a complaint and its rows converge exactly where their certificates say so") {
  REQUIRE_FALSE(shipped_files(true).empty());
  for (const fs::path& file : shipped_files(true)) {
    base::Diagnostics diagnostics;
    const experiment::Study study = experiment::read_study(file, {}, diagnostics);
    INFO(diagnostics.render());
    REQUIRE_FALSE(diagnostics.has_errors());
    for (const experiment::StudyRow& row : study.rows) {
      INFO(file << " " << row.id);
      const auto convergence = experiment::measure_row(row);
      REQUIRE(convergence.converges == convergence.promised);
    }
  }
}

TEST_CASE("a study is no table of experiments, and a table of experiments is no study") {
  const fs::path configs = fs::path(OPTDNN_SOURCE_DIR) / "configs";
  base::Diagnostics as_table, as_study;
  REQUIRE(experiment::read_table(shipped_files(true).front(), {}, as_table).rows.empty());
  REQUIRE(experiment::read_study(configs / "smoke.yaml", {}, as_study).rows.empty());
  REQUIRE(as_table.errors() == 1);
  REQUIRE(as_study.errors() == 1);
}

TEST_CASE("a resolved study row reads back as the same row") {
  base::Diagnostics diagnostics;
  for (const auto& row : experiment::read_study(shipped_files(true).front(), {}, diagnostics).rows) {
    INFO(row.id);
    const config::Node dumped = config::dump(row.spec);
    const auto text = std::make_shared<const base::SourceText>(base::SourceText{"resolved", config::to_yaml(dumped)});
    const config::Node again = config::read_yaml(text, diagnostics);
    const auto spec = config::read<experiment::StudySpec>(again, diagnostics, "study");
    INFO(diagnostics.render());
    REQUIRE_FALSE(diagnostics.has_errors());
    REQUIRE(experiment::config_hash(config::dump(spec)) == experiment::config_hash(dumped));
  }
}
