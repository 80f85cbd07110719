// optdnn bench CONFIG: seconds of an iteration of each row, in the real training loop.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "command.h"
#include "convolution_counts.h"
#include "failure.h"
#include "optdnn/base/device.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/bench.h"
#include "optdnn/kernels/launcher.h"
#include "readable.h"
#include "tables.h"

namespace optdnn::app {

namespace {

struct BenchCommandOptions {
  Which which;
  Where where;
  experiment::BenchOptions bench;
  std::string save;
  bool json = false;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

nlohmann::ordered_json bench_json(const experiment::Row& row, const BenchCommandOptions& options,
                                  const experiment::RunOptions& run_with, experiment::DataSets& datasets) {
  experiment::BenchOptions bench = options.bench;
  if (!options.save.empty()) bench.save = std::filesystem::path(options.save) / row.id;
  const auto before = kernels::launches(run_with.device);
  base::forget_peak_device_bytes(run_with.device);
  const experiment::BenchReport report = experiment::bench_row(row, bench, run_with, datasets);
  const auto started = kernels::launches_since(before, kernels::launches(run_with.device));
  nlohmann::ordered_json times = nlohmann::ordered_json::array();
  for (const experiment::KernelTime& time : report.kernel_times) {
    const auto iterations = static_cast<double>(experiment::kProfiled);
    times.push_back(
        {{"kernel", time.name}, {"calls", static_cast<double>(time.calls) / iterations}, {"us", time.us / iterations}});
  }
  return {{"id", row.id},
          {"seeds", report.seeds},
          {"batch_size", report.batch_size},
          {"iterations", report.iteration_s.size()},
          {"fastest_s", *std::min_element(report.iteration_s.begin(), report.iteration_s.end())},
          {"median_s", median(report.iteration_s)},
          {"losses", report.losses},
          {"convolutions", json_of(report.convolutions)},
          {"iteration_s", report.iteration_s},
          {"iteration", report.iteration},
          {"kernels", started},
          {"kernel_times", times},
          {"executors", experiment::executors_json(report.executors)},
          {"device", run_with.device},
          {"peak_mib", static_cast<double>(base::peak_device_bytes(run_with.device)) / (1 << 20)},
          {"device_name", base::device_name(run_with.device)},
          {"threads", base::torch_threads()},
          {"libtorch", base::torch_version()},
          {"optdnn", run_with.program_version}};
}

// A list with a row a line, each there as soon as it is timed: where the program is ended, those before are not lost.
void print_json(const nlohmann::ordered_json& row, bool is_first) {
  std::cout << (is_first ? "[\n" : ",\n") << base::json_line(row) << std::flush;
}

void print_rows(const nlohmann::ordered_json& rows) {
  base::TextTable table({"row", "seeds", "iterations", "fastest (ms)", "median (ms)", "first loss", "convolutions"});
  for (const auto& row : rows) {
    if (row.contains("error")) {
      table.add({row["id"], "failed"});
      continue;
    }
    table.add({row["id"], row["seeds"].dump(), row["iterations"].dump(), fixed(1e3 * row["fastest_s"].get<double>(), 3),
               fixed(1e3 * row["median_s"].get<double>(), 3), fixed(row["losses"].front().get<double>(), 5),
               text_of(row["convolutions"])});
  }
  std::cout << table.text();
  print_errors(rows);
}

int bench(const BenchCommandOptions& options) {
  const auto tables = read_tables(options.which, Purpose::run, options.where.data);
  const experiment::RunOptions run_with = run_options(options.where);
  experiment::DataSets datasets(run_with.data, run_with.device);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  base::ExitCode status = base::ExitCode::success;
  for (const experiment::Row& row : tables.front().rows) {
    try {
      rows.push_back(bench_json(row, options, run_with, datasets));
    } catch (...) {
      const Failure failure = current_failure();
      rows.push_back({{"id", row.id}, {"error", failure.message}});
      status = worse(status, failure.code);
    }
    if (options.json) print_json(rows.back(), rows.size() == 1);
  }
  options.json ? void(std::cout << "\n]\n") : print_rows(rows);
  return static_cast<int>(status);
}

}  // namespace

void add_bench(CLI::App& app, int& status) {
  const auto options = std::make_shared<BenchCommandOptions>();
  add_which_options(app, options->which, /*several_configs=*/false, /*with_seeds=*/true);
  add_data_option(app, options->where);
  add_device_options(app, options->where);
  add_executor_option(app, options->where);
  const auto count = [&](const char* name, int64_t& value, const char* help) {
    take_whole_numbers(app.add_option(name, value, help), 1, 1'000'000)->capture_default_str();
  };
  count("--iterations", options->bench.iterations, "timed");
  count("--warm-up", options->bench.warm_up, "iterations before them");
  count("--batches", options->bench.batches, "kept in memory, used in turn");
  count("--losses", options->bench.losses, "first losses reported, of a training of its own");
  app.add_flag("--profile", options->bench.profile,
               "with --json: where a GPU's time goes, by kernel, calls and microseconds of an iteration");
  app.add_option("--save", options->save, "folder for each row's initial weights and batches, as safetensors");
  app.add_flag("--json", options->json, "print JSON");
  app.callback([options, &status] { status = bench(*options); });
}

}  // namespace optdnn::app
