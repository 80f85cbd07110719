// Every row of configs/smoke.yaml, which has every rule, module and baseline, on the make-believe device: the CPU's
// numbers, operator by operator and recorded; and what a recorded iteration keeps is what the next one would ask for.
#include <filesystem>

#include "optdnn/experiment/table.h"
#include "optdnn/solvers/fixed_point.h"
#include "support/mock_graph.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;

namespace {

// Small enough for a test: eight iterations of each, five of them replays, and a solve of few steps.
std::vector<experiment::Row> small_rows(const std::string& precision) {
  base::Diagnostics diagnostics;
  const auto table = experiment::read_table(
      std::filesystem::path(OPTDNN_SOURCE_DIR) / "configs/smoke.yaml",
      {"train.length.epochs=1", "train.precision=" + precision, "evaluate.every.epochs=1"}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  return table.rows;
}

// Solves of a fixed number of steps: nothing looks at a residual.
std::vector<experiment::Row> with_fixed_solves(std::vector<experiment::Row> rows) {
  for (experiment::Row& row : rows) {
    if (row.spec.solver) solvers::common(*row.spec.solver).tolerance = 0;
  }
  return rows;
}

bool is_implicit(const Trained& trained) { return !solvers::fixed_points(*trained.network.module.ptr()).empty(); }

bool may_be_recorded(const experiment::Row& row, const Trained& trained) {
  const bool explicit_rule = !is_implicit(trained);
  const bool fixed_solves = row.spec.solver && solvers::common(*row.spec.solver).tolerance == 0;
  return (explicit_rule || fixed_solves) && !row.spec.train.recompute;
}

double tolerance(const experiment::Row& row, const Trained& trained) {
  // Solves stop where their residual is small enough, which rounding decides.
  return is_implicit(trained) && row.spec.model ? 2e-3 : 1e-7;
}

}  // namespace

TEST_CASE("every row of the smoke config has the CPU's weights after training on the make-believe device") {
  const auto device = accelerator();
  if (!device) return;
  auto rows = small_rows("float64");
  for (experiment::Row& row : with_fixed_solves(rows)) {
    row.id += ", solves of fixed length";
    if (row.spec.solver) rows.push_back(row);
  }
  for (const experiment::Row& row : rows) {
    CAPTURE(row.id);
    const Trained cpu = train_on_cpu(row.spec), other = train(row.spec, *device);
    CAPTURE(other.result().iteration);
    CHECK(largest_difference(cpu, other) < tolerance(row, other));
    CHECK((other.result().iteration == "captured") == may_be_recorded(row, other));
    CHECK((other.result().replays > 0) == may_be_recorded(row, other));
  }
}

TEST_CASE("an iteration asks the device for what the recorded one asked for: operators, numbers of the host, memory") {
  if (!accelerator()) return;
  const Accelerator comparing{mock_device(), [] { return std::make_unique<ComparingGraph>(); }};
  for (const experiment::Row& row : with_fixed_solves(small_rows("bfloat16"))) {
    CAPTURE(row.id);
    CHECK_NOTHROW(train(row.spec, comparing));
  }
}
