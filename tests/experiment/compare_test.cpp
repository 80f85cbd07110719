// `compare` in tables: which row is meant, and that what is compared learns and costs the same; sizes that `match`
// finds for vector tasks and baselines.
#include "optdnn/experiment/compare.h"

#include <fstream>

#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/network.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::experiment;
using tests::contains_text;

namespace {

struct Compared {
  Table table;
  std::string messages;
  const Row& row(const std::string& id) const {
    return *std::find_if(table.rows.begin(), table.rows.end(), [&](const Row& row) { return row.id == id; });
  }
  std::string to(const std::string& id) const { return row(id).spec.compare ? row(id).spec.compare->to : ""; }
};

Compared read_rows(const std::string& rows, const std::string& defaults = "") {
  const TemporaryFolder folder;
  std::ofstream(folder / "t.yaml") << R"(table: T
defaults:
  dataset: {name: parity, d: 4, validation: {samples: 9}}
  module: {name: dense_two_layer, hidden: 16}
  depth: 4
  width: 4
  train: {length: {iterations: 10}}
)" << defaults << "rows:\n" << rows;
  base::Diagnostics diagnostics;
  Compared read;
  read.table = read_table(folder / "t.yaml", {}, diagnostics);
  const Table whole = read.table;
  match_rows(read.table, diagnostics);
  check_compared_costs(read.table, whole, diagnostics);
  read.messages = diagnostics.render();
  return read;
}

}  // namespace

TEST_CASE("of a sweep the row at the same values is meant, and nobody is compared with itself") {
  const Compared found = read_rows(
      "  - {id: gradient_descent, algorithm: gradient_descent, zip: {dataset.d: [4, 6], width: [4, 6]}}\n"
      "  - {id: apg2, algorithm: apg2, zip: {dataset.d: [4, 6], width: [4, 6]}}\n"
      "  - {id: mlp, model: {name: mlp, depth: 4}, zip: {dataset.d: [4, 6], model.width: [13, 15]}}\n",
      "  compare: {to: gradient_descent, cost: parameters}\n");
  CAPTURE(found.messages);
  REQUIRE(found.to("gradient_descent-d=4-width=4").empty());
  REQUIRE(found.to("apg2-d=6-width=6") == "gradient_descent-d=6-width=6");
  REQUIRE(found.to("mlp-d=4-width=13") == "gradient_descent-d=4-width=4");
}

TEST_CASE("a row that is not there, or learns something else, is refused") {
  REQUIRE_THAT(read_rows("  - {id: a, algorithm: apg2, compare: {to: gradient_decent}}\n"
                         "  - {id: gradient_descent, algorithm: gradient_descent}\n")
                   .messages,
               contains_text("there is no such row") && contains_text("did you mean 'gradient_descent'"));
  REQUIRE_THAT(read_rows("  - {id: a, algorithm: apg2, dataset: {jitter: 0.2}, compare: {to: b}}\n"
                         "  - {id: b, algorithm: gradient_descent}\n")
                   .messages,
               contains_text("another data set"));
  REQUIRE(read_rows("  - {id: a, algorithm: apg2, dataset: {validation: {samples: 7}}, compare: {to: b}}\n"
                    "  - {id: b, algorithm: gradient_descent}\n")
              .messages.empty());
}

TEST_CASE("costs over 2 % apart are a warning, over 10 % an error") {
  const auto with_hidden = [](int hidden) {
    return read_rows(base::concat("  - {id: a, algorithm: apg2, module: {name: dense_two_layer, hidden: ", hidden,
                                  "}, compare: {to: b}}\n  - {id: b, algorithm: gradient_descent, module: {name: "
                                  "dense_two_layer, hidden: 100}}\n"))
        .messages;
  };
  REQUIRE(with_hidden(100).empty());
  REQUIRE(with_hidden(99).empty());
  REQUIRE_THAT(with_hidden(95), contains_text("warning") && contains_text("multiply-adds"));
  REQUIRE_THAT(with_hidden(80), contains_text("error"));
}

TEST_CASE("a search may not choose other costs, or another length, than those that are compared") {
  const auto with = [](const std::string& of_a, const std::string& of_b) {
    const auto searched = [](const std::string& space) {
      return space.empty() ? "" : ", search: {space: {" + space + "}}";
    };
    return read_rows("  - {id: a, algorithm: apg2, compare: {to: b}" + searched(of_a) + "}\n" +
                     "  - {id: b, algorithm: gradient_descent" + searched(of_b) + "}\n")
        .messages;
  };
  REQUIRE(with("optimizer.learning_rate: {log: [0.01, 1]}, module.hidden: [16]", "").empty());
  const auto refused = contains_text("part of a comparison at equal cost, and at");
  REQUIRE_THAT(with("depth: [4, 8]", ""), refused);
  REQUIRE_THAT(with("", "module.hidden: [16, 32]"), refused);
  for (const auto& [of_a, of_b] :
       {std::pair("train.length.iterations: [10, 20]", ""), {"", "train.length: [{epochs: 1}]"}})
    REQUIRE_THAT(with(of_a, of_b), contains_text("cannot choose how long it trains"));
}

TEST_CASE("match scales hidden units where the state's width is fixed, and the sizes of baselines") {
  const Compared found = read_rows(
      "  - {id: gradient_descent, algorithm: gradient_descent, head: {name: linear}}\n"
      "  - {id: dense, algorithm: dense}\n  - {id: ladmm, algorithm: ladmm}\n"
      "  - {id: free, algorithm: apg2, width: 6, stem: {name: zero_pad}, match: {vary: hidden}}\n"
      "  - {id: mlp, model: {name: mlp, depth: 4}}\n  - {id: dense_mlp, model: {name: dense_mlp, depth: 4}}\n",
      "  match: {multiply_adds: 4000}\n");
  CAPTURE(found.messages);
  for (const Row& row : found.table.rows) {
    CAPTURE(row.id);
    REQUIRE_FALSE(row.spec.match);
    const double cost = cost_of(row.spec, false);
    REQUIRE(cost == row.matched->found);
    REQUIRE(std::abs(cost - 4000) < 400);
  }
  REQUIRE(found.row("dense").matched->at.starts_with("hidden "));
  REQUIRE(found.row("free").spec.width.values == std::vector<int64_t>{6});
  REQUIRE(found.row("dense_mlp").matched->at.starts_with("growth "));
  const auto hidden = [&](const std::string& id) {
    return std::get<modules::DenseTwoLayerSpec>(*found.row(id).spec.module).hidden;
  };
  // No other number of hidden units comes closer.
  for (const std::string id : {"gradient_descent", "dense", "ladmm", "free"}) {
    for (const int64_t step : {-1, 1}) {
      ExperimentSpec other = found.row(id).spec;
      std::get<modules::DenseTwoLayerSpec>(*other.module).hidden = hidden(id) + step;
      REQUIRE(std::abs(cost_of(other, false) - 4000) >= std::abs(found.row(id).matched->found - 4000));
    }
  }
}

TEST_CASE("images: the width of a published network and the growth of another are matched") {
  const Compared found = read_rows(
      "  - {id: resnet, model: {name: resnet, layers: 8}, dataset: {name: generated_images}}\n"
      "  - {id: densenet, model: {name: densenet, layers: 16}, dataset: {name: generated_images}}\n",
      "  match: {multiply_adds: 5.0e6}\n");
  CAPTURE(found.messages);
  for (const Row& row : found.table.rows) REQUIRE(std::abs(row.matched->gap_pct()) <= 10);
  REQUIRE(found.row("resnet").matched->at.starts_with("width "));
}
