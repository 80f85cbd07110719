// optdnn converge CONFIG: the paper's theorem, measured. Every rule over fixed vector fields beside the exact flow, and
// whether its certificate says the same.

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>
#include <memory>

#include "command.h"
#include "failure.h"
#include "optdnn/algorithms/numbers.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/converge.h"
#include "readable.h"
#include "tables.h"

namespace optdnn::app {

namespace {

using base::concat;

struct ConvergeCommandOptions {
  Which which;
  Where where;
  bool dry_run = false, json = false;
};

std::string yes_no(bool value) { return value ? "yes" : "no"; }

std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

std::string steps_text(const nlohmann::ordered_json& steps) {
  std::vector<std::string> texts;
  for (const auto& [family, step] : steps.items())
    texts.push_back(concat(family, " ", algorithms::short_number(step.get<double>())));
  return steps.is_null() ? "-" : base::join(texts, ", ");
}

void print_studies(const nlohmann::ordered_json& rows) {
  base::TextTable table({"row", "effective step", "K", "error", "K", "error", "order", "converges", "certificate"});
  for (const auto& row : rows) {
    if (row.contains("error")) {
      table.add({row["id"], "failed"});
      continue;
    }
    std::vector<std::string> cells = {row["id"], steps_text(row["effective_step"])};
    const nlohmann::ordered_json& errors = row["errors"];
    for (const auto& end : {errors.begin(), std::prev(errors.end())}) {
      cells.push_back(end.key());
      cells.push_back(end.value().is_null() ? "-" : scientific(end.value().get<double>()));
    }
    cells.push_back(row["order"].is_null() ? "-" : fixed(row["order"].get<double>(), 2));
    cells.push_back(yes_no(row["converges"]));
    cells.push_back(row["convergent"] ? "convergent" : row["coupled"] ? "coupled" : "no");
    table.add(cells);
  }
  std::cout << table.text();
  print_errors(rows);
}

// Whether every certificate says what was measured.
bool agree(const nlohmann::ordered_json& rows) {
  std::vector<std::string> wrong;
  for (const auto& row : rows) {
    if (row.contains("error")) continue;
    const bool promised = row["convergent"] || row["coupled"];
    if (promised != row["converges"]) wrong.push_back(row["id"]);
  }
  if (wrong.empty()) return true;
  std::cerr << "error: certificate and measurement differ at these depths for " << base::join(wrong, ", ")
            << "\n   hint: at larger depths the order may be another: depths: [1024, 2048, 4096]\n";
  return false;
}

int converge(const ConvergeCommandOptions& options) {
  base::Diagnostics diagnostics;
  experiment::Study study = experiment::read_study(options.which.configs.front(), options.which.sets, diagnostics);
  diagnostics.throw_if_errors();
  experiment::select_rows(study, options.which.rows);
  const experiment::RunOptions run_with = run_options(options.where);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  base::ExitCode status = base::ExitCode::success;
  for (const experiment::StudyRow& row : study.rows) {
    if (options.dry_run) {
      std::cout << experiment::study_folder("", study, row).generic_string() << '\n';
      continue;
    }
    nlohmann::ordered_json& shown = rows.emplace_back(nlohmann::ordered_json{{"id", row.id}});
    try {
      const algorithms::Convergence convergence = experiment::measure_row(row);
      shown.update(experiment::convergence_json(row, convergence));
      experiment::write_study_row(study, row, convergence, run_with);
    } catch (...) {
      const Failure failure = current_failure();
      shown["error"] = failure.message;
      status = worse(status, failure.code);
    }
  }
  if (options.dry_run) return 0;
  options.json ? void(std::cout << base::json_text(rows)) : print_studies(rows);
  const bool all_agree = agree(rows);
  return status == base::ExitCode::success && !all_agree ? kNotMet : static_cast<int>(status);
}

}  // namespace

void add_converge(CLI::App& app, int& status) {
  const auto options = std::make_shared<ConvergeCommandOptions>();
  add_which_options(app, options->which, /*several_configs=*/false, /*with_seeds=*/false);
  app.add_option("--out", options->where.out, "folder of the runs")->capture_default_str();
  app.add_flag("--dry-run", options->dry_run, "name the rows' folders, measure nothing");
  app.add_flag("--json", options->json, "print JSON");
  app.callback([options, &status] { status = converge(*options); });
}

}  // namespace optdnn::app
