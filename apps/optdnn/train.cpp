// optdnn train CONFIG...: every row, every seed. A failing run does not stop the others; the last lines name it.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <span>

#include "command.h"
#include "failure.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/run.h"
#include "optdnn/experiment/table.h"
#include "signals.h"
#include "tables.h"

namespace optdnn::app {

namespace {

using base::concat;
using base::ExitCode;
using Status = experiment::RunOutcome::Status;

struct TrainCommandOptions {
  Which which;
  Where where;
  std::string shard;
  std::string retry;
  bool fresh = false, alone = false, no_search = false, dry_run = false, quiet = false;
};

struct PlannedRun {
  const experiment::Table* table;
  const experiment::Row* row;
  uint64_t seed;
  std::string name() const { return concat(table->stem, "/", row->id, "/seed-", seed); }
};

std::vector<PlannedRun> plan_runs(const std::vector<experiment::Table>& tables) {
  std::vector<PlannedRun> runs;
  for (const auto& table : tables) {
    for (const auto& row : table.rows) {
      for (const uint64_t seed : row.spec.seeds) runs.push_back({&table, &row, seed});
    }
  }
  return runs;
}

// "2/5": every fifth run, beginning with the second.
void keep_shard(std::vector<PlannedRun>& runs, const std::string& shard) {
  if (shard.empty()) return;
  int64_t index = 0, count = 0;
  char slash = 0, rest = 0;
  std::istringstream text(shard);
  if (!(text >> index >> slash >> count) || slash != '/' || text >> rest || index < 1 || index > count) {
    throw base::ConfigError("--shard wants i/n with 1 <= i <= n, received '" + shard + "'",
                            "--shard 2/5 is every fifth run from the second");
  }
  std::vector<PlannedRun> kept;
  for (size_t i = index - 1; i < runs.size(); i += count) kept.push_back(runs[i]);
  runs = kept;
}

struct FailedRun {
  std::string run;
  ExitCode code;
};

// Trains the seeds of a row that are asked for; what goes wrong is said and remembered. Returns the run that a signal
// stopped, or the first that it kept from beginning; nothing if all ended.
std::optional<PlannedRun> try_row(std::span<const PlannedRun> planned, const experiment::RunOptions& options,
                                  experiment::DataSets& datasets, std::vector<FailedRun>& failures) {
  PlannedRun run = planned.front();
  std::vector<uint64_t> seeds;
  for (const PlannedRun& one : planned) seeds.push_back(one.seed);
  std::optional<PlannedRun> stopped;
  for (const auto& outcome : experiment::run(*run.table, *run.row, seeds, options, datasets)) {
    run.seed = outcome.seed;
    std::erase(seeds, outcome.seed);
    if (outcome.status == Status::failed) {
      const Failure failure = failure_of(outcome.error);
      std::cerr << run.name() << ": error: " << failure.message << '\n';
      failures.push_back({run.name(), failure.code});
    }
    if (outcome.status == Status::stopped && !stopped) stopped = run;
    if (outcome.status == Status::was_finished && !options.quiet) std::cout << run.name() << ": finished before\n";
  }
  if (stopped || seeds.empty()) return stopped;
  run.seed = seeds.front();
  return run;
}

// The runs that share table and row with the first.
std::span<const PlannedRun> first_row(std::span<const PlannedRun> runs) {
  size_t count = 1;
  while (count < runs.size() && runs[count].table == runs[0].table && runs[count].row == runs[0].row) ++count;
  return runs.first(count);
}

ExitCode name_failures(const std::vector<FailedRun>& failures, size_t runs) {
  ExitCode code = ExitCode::success;
  if (!failures.empty()) std::cerr << failures.size() << " of " << runs << " runs failed:\n";
  for (const FailedRun& failure : failures) {
    std::cerr << "  " << failure.run << '\n';
    code = worse(code, failure.code);
  }
  return code;
}

int train(const TrainCommandOptions& options, bool out_given) {
  auto tables = read_tables(options.which, Purpose::run);
  for (experiment::Table& table : tables) {
    if (out_given) table.stem = table.file.stem().string();  // the folder given tells overridden runs apart
  }
  auto runs = plan_runs(tables);
  keep_shard(runs, options.shard);
  if (options.dry_run) {
    for (const PlannedRun& planned : runs) std::cout << planned.name() << '\n';
    return 0;
  }
  experiment::RunOptions run_with = run_options(options.where);
  run_with.resume = !options.fresh;
  run_with.alone = options.alone;
  run_with.retry_failed = !options.retry.empty();
  run_with.searches = !options.no_search;
  run_with.quiet = options.quiet;

  base::set_log_level(base::LogLevel::warning);
  watch_signals();
  experiment::DataSets datasets(run_with.data, run_with.device);
  std::vector<FailedRun> failures;
  for (std::span<const PlannedRun> rest(runs); !rest.empty();) {
    const auto row = first_row(rest);
    rest = rest.subspan(row.size());
    auto stopped = try_row(row, run_with, datasets, failures);
    if (!stopped && stop_requested() && !rest.empty()) stopped = rest.front();
    if (!stopped) continue;
    name_failures(failures, runs.size());
    std::cerr << stopped->name() << ": stopped; the same command continues it\n";
    return stop_status();
  }
  if (failures.empty() && !options.quiet) {
    std::cout << runs.size() << (runs.size() == 1 ? " run" : " runs") << " under " << options.where.out << "/\n";
  }
  return static_cast<int>(name_failures(failures, runs.size()));
}

}  // namespace

void add_train(CLI::App& app, int& status) {
  const auto options = std::make_shared<TrainCommandOptions>();
  add_which_options(app, options->which, /*several_configs=*/true, /*with_seeds=*/true);
  add_data_option(app, options->where);
  auto* out = app.add_option("--out", options->where.out, "folder of the runs")->capture_default_str();
  add_device_options(app, options->where);
  add_executor_option(app, options->where);
  app.add_option("--shard", options->shard, "i/n: only every n-th run, beginning with the i-th");
  auto* resume = app.add_flag_callback(
      "--resume", [] {}, "continue what is there (the default)");
  app.add_flag("--fresh", options->fresh, "set aside what is there, under .old/, and begin anew")->excludes(resume);
  app.add_option("--retry", options->retry, "failed: go on with runs that diverged, from their last checkpoint")
      ->check(CLI::IsMember({"failed"}));
  app.add_flag("--alone", options->alone, "train every seed by itself, also where several could be one network");
  app.add_flag("--no-search", options->no_search, "train rows with the values they are written with");
  app.add_flag("--dry-run", options->dry_run, "name the runs, train nothing");
  app.add_flag("--quiet", options->quiet, "print nothing but errors");
  app.callback([options, out, &status] { status = train(*options, out->count() > 0); });
}

}  // namespace optdnn::app
