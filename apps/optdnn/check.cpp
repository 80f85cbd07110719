// optdnn check CONFIG...: would it run, how long and in how much memory? Check FOLDER: are its images sound? And check
// FILE of data: what do its columns hold?

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

#include "check_data.h"
#include "command.h"
#include "convolution_counts.h"
#include "failure.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/check.h"
#include "optdnn/experiment/table.h"
#include "optdnn/photos/damage.h"
#include "readable.h"
#include "tables.h"

namespace optdnn::app {

namespace {

struct Checked {
  std::string id;
  std::optional<experiment::CheckReport> report;
  std::string error;
};

std::string convergent_text(const experiment::CheckReport& report) {
  if (!report.convergent) return "";
  return *report.convergent ? "yes" : report.coupled ? "coupled" : "no";
}

// False is "not shown", which is less than no; of convolutions it is open.
std::string universal_text(const experiment::CheckReport& report) {
  if (!report.convergent) return "";
  return !report.universal ? "open" : *report.universal ? "yes" : "not shown";
}

void print_text(const std::vector<Checked>& rows) {
  base::TextTable table({"row", "parameters", "multiply-adds", "first loss", "convergent", "universal", "iterations",
                         "per seed", "memory", "convolutions"});
  for (const Checked& row : rows) {
    if (!row.report) {
      table.add({row.id, "failed"});
      continue;
    }
    const auto& r = *row.report;
    table.add({row.id, base::with_thousands(r.cost.parameters), base::with_thousands(r.cost.multiply_adds),
               fixed(r.loss, 4), convergent_text(r), universal_text(r), base::with_thousands(r.iterations),
               time_text(r.total_s), fixed(r.memory_mib, 0) + " MiB", text_of(json_of(r.convolutions))});
  }
  std::cout << table.text();
  for (const Checked& row : rows) {
    if (row.report && !row.report->executors.empty()) {
      std::cout << row.id << " runs " << experiment::executors_text(row.report->executors) << '\n';
    }
    if (!row.report) std::cerr << row.id << ": error: " << row.error << '\n';
    if (row.report && row.report->warning) std::cerr << row.id << ": warning: " << *row.report->warning << '\n';
  }
  double all_s = 0;
  for (const Checked& row : rows) all_s += row.report ? row.report->all_s : 0;
  if (all_s == 0) return;
  std::cout << "all rows and seeds, evaluations and searches: about " << time_text(all_s) << " on this machine\n";
}

void print_json(const std::vector<Checked>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Checked& row : rows) {
    auto& item = list.emplace_back(nlohmann::ordered_json{{"id", row.id}});
    if (!row.report) {
      item["error"] = row.error;
      continue;
    }
    const auto& r = *row.report;
    item["parameters"] = r.cost.parameters;
    item["multiply_adds"] = r.cost.multiply_adds;
    item["first_loss"] = r.loss;
    item["convergent"] = r.convergent ? nlohmann::json(*r.convergent) : nlohmann::json(nullptr);
    item["coupled"] = r.convergent ? nlohmann::json(r.coupled) : nlohmann::json(nullptr);
    item["universal"] = r.universal ? nlohmann::json(*r.universal) : nlohmann::json(nullptr);
    item["iterations"] = r.iterations;
    item["iteration_s"] = r.iteration_s;
    item["batch_s"] = r.batch_s;
    item["total_s"] = r.total_s;
    item["all_s"] = r.all_s;
    item["memory_mib"] = r.memory_mib;
    item["convolutions"] = json_of(r.convolutions);
    item["executors"] = experiment::executors_json(r.executors);
  }
  std::cout << base::json_text(list);
}

int check(const Which& which, const Where& where, bool json) {
  const auto tables = read_tables(which, Purpose::run, where.data);
  const auto options = run_options(where);
  experiment::DataSets datasets(options.data, options.device);
  std::vector<Checked> rows;
  base::ExitCode status = base::ExitCode::success;
  for (const auto& table : tables) {
    for (const auto& row : table.rows) {
      Checked& checked = rows.emplace_back(Checked{tables.size() > 1 ? table.stem + "/" + row.id : row.id, {}, {}});
      try {
        checked.report = experiment::check_row(row, options, datasets);
      } catch (...) {
        const Failure failure = current_failure();
        checked.error = failure.message;
        status = worse(status, failure.code);
      }
    }
  }
  json ? print_json(rows) : print_text(rows);
  return static_cast<int>(status);
}

// Photographs instead of a config: a folder {train,val}/<class>/<image>, or archives of that.
bool are_photos(const std::string& path) {
  std::error_code ignored;  // a path that cannot be looked at is a config that cannot be read
  return std::filesystem::is_directory(path, ignored) || path.ends_with(".tar");
}

int check_photos(const std::vector<std::string>& paths, bool json) {
  const std::vector<std::filesystem::path> places(paths.begin(), paths.end());
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const photos::Damage damage = photos::find_damage(places, cores);
  if (json) {
    std::cout << base::json_text(
        nlohmann::ordered_json{{"images", damage.images}, {"damaged", damage.messages}, {"left_out", damage.left_out}});
  } else {
    for (const std::string& message : damage.messages) std::cout << message << '\n';
    for (const std::string& line : damage.left_out) std::cout << line << '\n';
    std::cout << base::with_thousands(damage.images) << " images, "
              << base::with_thousands(static_cast<int64_t>(damage.messages.size())) << " damaged\n";
  }
  return static_cast<int>(damage.messages.empty() ? base::ExitCode::success : base::ExitCode::environment);
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  struct Options {
    Which which;
    Where where;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  add_which_options(app, options->which, true, true);
  add_data_option(app, options->where);
  add_device_options(app, options->where);
  add_executor_option(app, options->where);
  app.add_flag("--json", options->json, "print JSON");
  app.callback([options, &status] {
    const auto& paths = options->which.configs;
    if (paths.size() == 1 && is_data_file(paths.front())) {
      status = check_data_file(paths.front(), options->json);
      return;
    }
    status = std::all_of(paths.begin(), paths.end(), are_photos) ? check_photos(paths, options->json)
                                                                 : check(options->which, options->where, options->json);
  });
}

}  // namespace optdnn::app
