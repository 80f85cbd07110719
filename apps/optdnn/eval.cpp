// optdnn eval RUNS: a split of the data set through the weights in the folders of runs, class by class where asked.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "class_picture.h"
#include "command.h"
#include "failure.h"
#include "optdnn/base/files.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/class_counts.h"
#include "optdnn/experiment/find_runs.h"
#include "optdnn/experiment/opened_run.h"
#include "optdnn/experiment/run_folder.h"
#include "output_file.h"
#include "readable.h"
#include "tables.h"

namespace optdnn::app {

namespace {

using experiment::ClassCounts;
using nlohmann::ordered_json;

struct EvalCommandOptions {
  std::vector<std::string> runs;
  std::string weights = "last.safetensors", split = "test", sample, picture;
  int64_t top = 0;
  bool confusion = false, per_class = false, calibration = false, json = false;
  Where where;
  bool by_class() const { return confusion || per_class || calibration || top > 0 || !picture.empty(); }
};

ClassCounts count_classes(experiment::OpenedRun& run, const EvalCommandOptions& options) {
  if (run.shape.regression) {
    throw base::ConfigError(run.folder.string() + " is a regression: it has no classes to count",
                            "`optdnn predict` writes its values sample by sample");
  }
  if (options.top >= run.shape.outputs) {
    throw base::ConfigError(base::concat("--top ", options.top, " of ", run.shape.outputs, " classes is always right"));
  }
  ClassCounts counts(experiment::class_names(run), options.top);
  const auto all = experiment::outputs_on(run, experiment::split_of(options.split));
  counts.add(all.outputs, all.targets);
  return counts;
}

void add_counts(const ClassCounts& counts, const EvalCommandOptions& options, ordered_json& result) {
  if (const auto error = counts.top_error_pct()) {
    result[base::concat(options.split, "/top_", options.top, "_error_pct")] = *error;
  }
  if (options.confusion || options.per_class) result["classes"] = counts.classes();
  if (options.confusion) result["confusion"] = counts.confusion_json();
  if (options.per_class) result["per_class"] = counts.per_class_json();
  if (options.calibration) result["calibration"] = counts.calibration_json();
}

std::string cell(const ordered_json& value, int digits = 2) {
  return value.is_number_float() ? fixed(value.get<double>(), digits) : value.is_null() ? "-" : value.dump();
}

// Those of all runs, in order.
std::vector<std::string> metrics_of(const std::vector<ordered_json>& results) {
  std::vector<std::string> names;
  for (const auto& result : results) {
    for (const auto& [name, value] : result.items()) {
      const bool is_new = std::find(names.begin(), names.end(), name) == names.end();
      if (is_new && name.find('/') != std::string::npos) names.push_back(name);
    }
  }
  return names;
}

// Metrics of every run, and for the seeds of each row their mean and deviation.
void print_runs(const std::vector<ordered_json>& results) {
  const std::vector<std::string> names = metrics_of(results);
  std::vector<std::string> header = {"run", "samples"};
  header.insert(header.end(), names.begin(), names.end());
  base::TextTable table(header);
  for (const auto& result : results) {
    std::vector<std::string> cells = {result["run"], result["samples"].dump()};
    for (const std::string& name : names) cells.push_back(result.contains(name) ? six_digits(result[name]) : "");
    table.add(cells);
  }
  std::cout << table.text();
  std::map<std::string, std::vector<const ordered_json*>> rows;
  for (const auto& result : results)
    rows[std::filesystem::path(result["run"].get<std::string>()).parent_path().string()].push_back(&result);
  for (const auto& [row, runs] : rows) {
    if (runs.size() < 2) continue;
    for (const std::string& name : names) {
      std::vector<double> values;
      for (const ordered_json* run : runs) {
        if (run->contains(name)) values.push_back((*run)[name]);
      }
      if (values.empty()) continue;
      std::cout << (rows.size() > 1 ? row + "  " : "") << name << ": " << mean_text(values) << " (n = " << values.size()
                << ")\n";
    }
  }
}

// Of all runs together.
void print_counts(const ClassCounts& counts, const EvalCommandOptions& options) {
  if (options.confusion) {
    std::vector<std::string> header = {"class"};
    for (const std::string& name : counts.classes()) header.push_back("-> " + name);
    base::TextTable table(header);
    const ordered_json rows = counts.confusion_json();
    for (size_t c = 0; c < counts.classes().size(); ++c) {
      std::vector<std::string> cells = {counts.classes()[c]};
      for (const auto& count : rows[c]) cells.push_back(count.dump());
      table.add(cells);
    }
    std::cout << '\n' << table.text();
  }
  if (options.per_class) {
    base::TextTable table({"class", "samples", "recall (%)", "precision (%)", "F1 (%)"});
    for (const auto& row : counts.per_class_json()) {
      table.add({row["class"], row["samples"].dump(), cell(row["recall_pct"]), cell(row["precision_pct"]),
                 cell(row["f1_pct"])});
    }
    std::cout << '\n' << table.text();
  }
  if (options.calibration) {
    const ordered_json calibration = counts.calibration_json();
    base::TextTable table({"probability", "samples", "mean (%)", "right (%)"});
    for (const auto& bin : calibration["bins"]) {
      if (bin["samples"] == 0) continue;
      table.add({base::concat(fixed(bin["from"], 2), " to ", fixed(bin["to"], 2)), bin["samples"].dump(),
                 cell(bin["confidence_pct"]), cell(bin["accuracy_pct"])});
    }
    std::cout << '\n'
              << table.text() << "expected calibration error " << cell(calibration["ece_pct"]) << " %, Brier score "
              << cell(calibration["brier"], 4) << ", log loss " << cell(calibration["log_loss"], 4) << '\n';
  }
}

int eval(const EvalCommandOptions& options) {
  const std::vector<std::filesystem::path> given(options.runs.begin(), options.runs.end());
  auto folders = experiment::find_runs(given);
  std::set<std::filesystem::path> seen;
  std::erase_if(folders, [&](const auto& folder) { return !seen.insert(std::filesystem::canonical(folder)).second; });
  std::erase_if(folders, [](const auto& folder) {  // what `optdnn converge` wrote has no network
    return !experiment::value_in<std::string>(experiment::summary_of({folder}), "study", "").empty();
  });
  if (folders.empty()) {
    throw base::ConfigError("no run below " + base::join(options.runs, ", "),
                            "a run's folder is runs/<config>/<row>/seed-<n>");
  }
  if (!options.sample.empty() && folders.size() > 1) throw base::ConfigError("--sample is of one run");
  if (!options.sample.empty()) check_output_file("--sample", options.sample, kSafetensors);
  if (!options.picture.empty()) {
    if (!options.picture.ends_with(".svg"))
      throw base::ConfigError("--picture " + options.picture + ": an SVG file is drawn", "--picture classes.svg");
    check_output_file("--picture", options.picture, kSvg);
  }
  const auto run_with = run_options(options.where);
  std::vector<ordered_json> results;
  std::optional<ClassCounts> all;
  base::ExitCode status = base::ExitCode::success;
  const auto evaluate = [&](const std::filesystem::path& folder) {
    auto run = experiment::open_run(folder, options.weights, run_with, /*with_data=*/true);
    ordered_json result = experiment::evaluate_run(run, run_with, options.split, options.sample);
    if (options.by_class()) {
      const ClassCounts counts = count_classes(run, options);
      add_counts(counts, options, result);
      if (all && all->classes() != counts.classes() && !options.json) {
        throw base::ConfigError("the runs have different classes", "evaluate them apart, or with --json");
      }
      if (!all) {
        all = counts;
      } else if (all->classes() == counts.classes()) {
        all->add(counts);
      }
    }
    results.push_back(std::move(result));
  };
  for (const auto& folder : folders) {
    try {
      evaluate(folder);
    } catch (const std::exception&) {
      if (folders.size() == 1) throw;
      const Failure failure = current_failure();
      std::cerr << folder.string() << ": error: " << failure.message << '\n';
      status = worse(status, failure.code);
    }
  }
  if (results.empty()) return static_cast<int>(status);
  if (all && !options.picture.empty()) {
    const std::string title = base::concat(base::join(options.runs, ", "), ", ", options.split, ", ", results.size(),
                                           results.size() == 1 ? " run" : " runs");
    base::write_file_atomically(options.picture, class_picture(*all, title));
  }
  if (options.json) {
    std::cout << base::json_text(results.size() == 1 ? results.front() : ordered_json(results));
    return static_cast<int>(status);
  }
  print_runs(results);
  if (all && results.size() > 1) std::cout << "\nbelow: the samples of all " << results.size() << " runs together\n";
  if (all) print_counts(*all, options);
  return static_cast<int>(status);
}

}  // namespace

void add_eval(CLI::App& app, int& status) {
  const auto options = std::make_shared<EvalCommandOptions>();
  app.add_option("RUNS", options->runs, "folders of runs, or folders above them")->required();
  app.add_option("--weights", options->weights, "a file in their checkpoints/, by our names or timm's")
      ->capture_default_str();
  app.add_option("--split", options->split, "train (as it is, not augmented), valid or test")->capture_default_str();
  app.add_flag("--confusion", options->confusion, "how often each class is taken for each");
  app.add_flag("--per-class", options->per_class, "recall, precision and F1 of every class");
  take_whole_numbers(app.add_option("--top", options->top, "error where one of the n largest outputs may be right"), 1,
                     1'000'000);
  app.add_flag("--calibration", options->calibration, "how often it is right beside how sure it is");
  app.add_option("--picture", options->picture, "draw confusion and calibration of all runs into this SVG file");
  app.add_option("--sample", options->sample, "write the first batch with its outputs to this safetensors file");
  add_data_of_run_option(app, options->where);
  add_device_options(app, options->where);
  app.add_flag("--json", options->json, "print JSON: an object of one run, a list of several");
  app.callback([options, &status] { status = eval(*options); });
}

}  // namespace optdnn::app
