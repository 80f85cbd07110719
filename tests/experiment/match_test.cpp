// Rows at equal cost: the widths that are found, the gap that is told, and targets that cannot be met.
#include "optdnn/experiment/match.h"

#include "optdnn/base/files.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/read.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/table.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using tests::contains_text;

namespace {

struct Read {
  experiment::Table table;
  std::string messages;
  bool failed;
};

Read read(const std::string& rows) {
  const TemporaryFolder folder;
  base::write_file_atomically(folder / "match.yaml", R"(
table: Match
defaults:
  dataset: {name: generated_images, size_px: 16}
  module: {name: conv_preact}
  depth: [2, 2, 2]
  width: [1, 2, 4]
  train: {length: {epochs: 1}}
rows:
)" + rows);
  base::Diagnostics diagnostics;
  Read read;
  read.table = experiment::read_table(folder / "match.yaml", {}, diagnostics);
  experiment::match_rows(read.table, diagnostics);
  read.messages = diagnostics.render();
  read.failed = diagnostics.has_errors();
  return read;
}

int64_t multiply_adds(const experiment::ExperimentSpec& spec) { return experiment::count_network(spec).multiply_adds; }

}  // namespace

TEST_CASE("a network that is to cost what a width costs gets that width") {
  Read plain = read("  - {id: a, algorithm: apg2, width: [7, 14, 28]}\n");
  const int64_t target = multiply_adds(plain.table.rows.at(0).spec);
  const Read matched = read(base::concat("  - {id: a, algorithm: apg2, match: {multiply_adds: ", target, "}}\n"));
  REQUIRE(matched.messages.empty());
  const experiment::Row& row = matched.table.rows.at(0);
  REQUIRE(row.spec.width.values == std::vector<int64_t>{7, 14, 28});
  REQUIRE(row.matched->found == static_cast<double>(target));
  REQUIRE(row.matched->gap_pct() == 0.0);
  const std::string shown = config::to_yaml(experiment::resolved(row.spec), &row.config);
  REQUIRE_THAT(shown, contains_text("width: [7, 14, 28]") && !contains_text("match:"));
  const std::string from_width = shown.substr(shown.find("width:"));
  REQUIRE_THAT(from_width.substr(0, from_width.find('\n')), contains_text("match.yaml:10"));
}

TEST_CASE("every kind of row meets a target within 2 %: two modules, bottlenecks, the DenseNet setting") {
  const Read matched = read(R"(
  - {id: one, algorithm: apg2, match: {multiply_adds: 3.0e6}}
  - {id: two, algorithm: ladmm, match: {multiply_adds: 3.0e6}}
  - {id: single, algorithm: nesterov, depth: 3, width: 1, match: {multiply_adds: 3.0e6}}
  - {id: bottleneck, algorithm: apg2, module: {name: conv_bottleneck_preact}, depth: [3, 3, 3], width: [4, 8, 16],
     match: {multiply_adds: 3.0e6}}
  - {id: dense, algorithm: dense, module: {name: conv_single}, transition: dense, depth: [4, 4, 4], width: [1, 1, 1],
     match: {multiply_adds: 3.0e6}}
  - {id: parameters, algorithm: apg, match: {parameters: 50000}}
)");
  INFO(matched.messages);
  REQUIRE_FALSE(matched.failed);
  REQUIRE(matched.table.rows.size() == 6);
  for (const experiment::Row& row : matched.table.rows) {
    INFO(row.id);
    REQUIRE(std::abs(row.matched->gap_pct()) < (row.id == "bottleneck" || row.id == "single" ? 10 : 2));
    REQUIRE_FALSE(row.spec.match.has_value());
    if (row.id != "parameters") REQUIRE(row.matched->found == static_cast<double>(multiply_adds(row.spec)));
  }
  for (const int64_t width : matched.table.rows.at(3).spec.width.values) REQUIRE(width % 4 == 0);
}

TEST_CASE("a target that no width meets is an error at its place, with the closest; a wide gap is a warning") {
  const Read tiny = read("  - {id: a, algorithm: apg2, match: {multiply_adds: 1000}}\n");
  REQUIRE(tiny.failed);
  REQUIRE_THAT(tiny.messages,
               contains_text("match.yaml:10:37: error: row 'a': the closest to 1000 multiply_adds is ") &&
                   contains_text(" at width [1, 1, 1]") && contains_text("a gap of more than 10 % is no twin"));
  const Read coarse = read("  - {id: a, algorithm: apg2, depth: 1, width: 4, match: {parameters: 480}}\n");
  REQUIRE_FALSE(coarse.failed);
  REQUIRE_THAT(coarse.messages, contains_text("warning: row 'a': the closest to 480 parameters is "));
}

TEST_CASE("match wants one target, parts that fit, and a cost that can be met") {
  const auto message = [](const std::string& row) {
    const Read wrong = read("  - {id: a, " + row + "}\n");
    REQUIRE(wrong.failed);
    return wrong.messages;
  };
  REQUIRE_THAT(message("algorithm: apg2, match: {}"), contains_text("exactly one of multiply_adds and parameters"));
  REQUIRE_THAT(message("algorithm: apg2, match: {parameters: 10, multiply_adds: 10}"), contains_text("exactly one of"));
  REQUIRE_THAT(message("algorithm: apg2, match: {parameters: -1}"), contains_text("> 0"));
  REQUIRE_THAT(message("model: resnet, match: {parameters: 10}"), contains_text("1207 at width 1"));
  REQUIRE_THAT(message("algorithm: apg2, module: dense_two_layer, match: {parameters: 10}"),
               contains_text("match needs a network that can be built"));
}
