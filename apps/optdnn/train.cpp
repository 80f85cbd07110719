// optdnn train CONFIG...: every row, every seed. A failing run does not stop the others; the last lines name it.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <thread>

#include "command.h"
#include "failure.h"
#include "optdnn/base/device.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/run.h"
#include "optdnn/experiment/same_place.h"
#include "optdnn/experiment/table.h"
#include "optdnn/experiment/table_time.h"
#include "optdnn/experiment/train_runs.h"
#include "results.h"
#include "signals.h"
#include "tables.h"
#include "train_jobs.h"
#include "train_plan.h"
#include "train_world.h"

namespace optdnn::app {

namespace {

using base::concat;
using base::ExitCode;
using Status = experiment::RunOutcome::Status;

struct TrainCommandOptions {
  Which which;
  Where where;
  Ways ways;
  std::string name;
  bool extend = false, alone = false, no_search = false, dry_run = false, quiet = false;
};

struct FailedRun {
  std::string run;
  ExitCode code;
};

struct Ended {
  std::vector<FailedRun> failures;
  std::vector<PlannedRun> elsewhere;  // that others have begun
  size_t waited_for = 0;              // of those, when they were last looked at
  bool speaks = true;                 // of several processes one does
  bool trained = false;               // any run of the latest row, rather than finished before
};

// Trains the seeds of a row that are asked for; what goes wrong is said and remembered. Returns the run that a signal
// stopped, or the first that it kept from beginning; nothing if all ended.
std::optional<PlannedRun> try_row(std::span<const PlannedRun> planned, const experiment::RunOptions& options,
                                  experiment::DataSets& datasets, Ended& ended) {
  PlannedRun run = planned.front();
  std::vector<uint64_t> seeds;
  for (const PlannedRun& one : planned) seeds.push_back(one.seed);
  std::optional<PlannedRun> stopped;
  for (const auto& outcome : experiment::run(*run.table, *run.row, seeds, options, datasets)) {
    run.seed = outcome.seed;
    std::erase(seeds, outcome.seed);
    ended.trained |= outcome.status == Status::finished;
    if (outcome.status == Status::failed) {
      const Failure failure = failure_of(outcome.error);
      if (ended.speaks) std::cerr << run.name() << ": error: " << failure.message << '\n';
      ended.failures.push_back({run.name(), failure.code});
    }
    if (outcome.status == Status::elsewhere) ended.elsewhere.push_back(run);
    if (outcome.status == Status::stopped && !stopped) stopped = run;
    if (outcome.status == Status::was_finished && !options.quiet) std::cout << run.name() << ": finished before\n";
  }
  if (stopped || seeds.empty()) return stopped;
  run.seed = seeds.front();
  return run;
}

ExitCode name_failures(const Ended& ended, size_t runs) {
  ExitCode code = ExitCode::success;
  if (!ended.failures.empty() && ended.speaks)
    std::cerr << ended.failures.size() << " of " << runs << " runs failed:\n";
  for (const FailedRun& failure : ended.failures) {
    if (ended.speaks) std::cerr << "  " << failure.run << '\n';
    code = worse(code, failure.code);
  }
  return code;
}

// A name is one folder's, and two configs of one name would share it.
void check_names(const std::vector<experiment::Table>& tables) {
  for (size_t i = 0; i < tables.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (tables[i].stem != tables[j].stem) continue;
      throw base::ConfigError(
          concat(tables[i].file.string(), " and ", tables[j].file.string(), " are both called '", tables[i].stem, "'"),
          "train one after the other, with --name NAME for one of them");
    }
  }
}

void hold_stems(const std::vector<experiment::Table>& tables, const std::filesystem::path& out) {
  for (const experiment::Table& table : tables) experiment::hold_stem(out, table);
}

void print_results(const std::vector<experiment::Table>& tables, const std::filesystem::path& out) {
  std::string folders;
  for (const experiment::Table& table : tables) {
    const std::string text = results_text(table, out);
    if (text.empty()) continue;
    std::cout << '\n' << text;
    folders += concat(" ", (out / table.stem).string());
  }
  if (folders.empty()) return;
  std::cout << "\nruns:" << folders << "\nnext: optdnn report" << folders << '\n';
}

// What one process takes at a time: a row, or where others take runs too, those of it that train as one network. The
// first process to reach a row makes its search; until that has chosen, the others count its runs as elsewhere.
std::span<const PlannedRun> first_unit(std::span<const PlannedRun> runs, const experiment::RunOptions& options) {
  return options.shared ? first_row(runs, experiment::runs_at_once(*runs.front().row, options)) : first_row(runs);
}

// Until the others' runs have ended, or can be taken over because those are gone.
void wait_for_others(size_t runs, bool quiet) {
  static bool said = false;
  if (!said && !quiet) std::cout << "waiting for " << runs << " runs that other processes train" << std::endl;
  said = true;
  for (int i = 0; i < 10 && !stop_requested(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

// How far the table is, for the lines of progress.
class Rows {
 public:
  Rows(const std::vector<PlannedRun>& runs, const experiment::RunOptions& options, experiment::DataSets& datasets)
      : time_(options.seconds) {
    for (std::span<const PlannedRun> rest(runs); !rest.empty();) {
      const auto row = first_row(rest);
      rest = rest.subspan(row.size());
      numbers_.try_emplace(row.front().row, numbers_.size() + 1);
      work_[row.front().row] += experiment::work_of(*row.front().row, row.size(), datasets);
      counts_[row.front().row] += row.size();
    }
    for (const auto& item : work_) time_.add(item.second);
  }
  std::string place(const PlannedRun& run) const { return concat("row ", numbers_.at(run.row), "/", numbers_.size()); }
  void begin(std::span<const PlannedRun> unit) {
    const experiment::Row* row = unit.front().row;
    time_.begin(work_.at(row) * static_cast<double>(unit.size()) / static_cast<double>(counts_.at(row)));
  }
  void end(bool trained) { time_.end(trained); }
  double left_s(double left_s) const { return time_.left_s(left_s); }

 private:
  experiment::TableTime time_;
  std::map<const experiment::Row*, size_t> numbers_, counts_;
  std::map<const experiment::Row*, double> work_;
};

int train_all(const std::vector<PlannedRun>& runs, const std::vector<experiment::Table>& tables,
              experiment::RunOptions options) {
  const world::World& world = *options.world;
  base::set_log_level(world.writes() ? base::LogLevel::warning : base::LogLevel::error);
  watch_signals();
  experiment::DataSets datasets(options.data, options.device);
  Ended ended;
  ended.speaks = world.writes();
  const bool several = std::any_of(runs.begin(), runs.end(), [&](const auto& run) { return run.row != runs[0].row; });
  std::optional<Rows> rows;
  if (several && !options.quiet && world.is_alone() && !options.shared) {
    rows.emplace(runs, options, datasets);
    options.left_of_all = [&rows](double left_s) { return rows->left_s(left_s); };
  }
  for (std::vector<PlannedRun> left = runs; !left.empty(); left = std::exchange(ended.elsewhere, {})) {
    if (left.size() == ended.waited_for) wait_for_others(left.size(), options.quiet);
    ended.waited_for = left.size();
    for (std::span<const PlannedRun> rest(left); !rest.empty();) {
      const auto unit = first_unit(rest, options);
      rest = rest.subspan(unit.size());
      if (rows) {
        options.place = rows->place(unit.front());
        rows->begin(unit);
      }
      ended.trained = false;
      auto stopped = try_row(unit, options, datasets, ended);
      if (rows) rows->end(ended.trained);
      if (!stopped && !(rest.empty() && ended.elsewhere.empty()) && world.any(stop_requested()))
        stopped = rest.empty() ? ended.elsewhere.front() : rest.front();
      if (!stopped) continue;
      name_failures(ended, runs.size());
      if (ended.speaks) std::cerr << stopped->name() << ": stopped; the same command continues it\n";
      return world.is_alone() ? stop_status() : stop_status_of_all(world);
    }
  }
  if (!options.quiet && world.writes()) print_results(tables, options.out);
  return static_cast<int>(name_failures(ended, runs.size()));
}

// Of runs that are there under another length: an override of it makes no other folder.
std::string extended_stem(const experiment::Table& table, const std::filesystem::path& out) {
  std::vector<std::string> sets = table.overrides;
  std::erase_if(sets, [](const std::string& set) { return set.starts_with("train.length"); });
  const std::string stem = experiment::stem_of(table.file, sets);
  return std::filesystem::exists(out / stem) ? stem : table.stem;
}

int train(const TrainCommandOptions& options, bool out_given) {
  check_ways(options.ways);
  check_choices(options.where);
  Which which = options.which;
  which.searches = !options.no_search;
  auto tables = read_tables(which, Purpose::run, options.where.data);
  for (experiment::Table& table : tables) {
    if (options.extend) table.stem = extended_stem(table, options.where.out);
    if (out_given) table.stem = table.file.stem().string();  // the folder given tells overridden runs apart
    if (!options.name.empty()) table.stem = options.name;
  }
  check_names(tables);
  auto runs = plan_runs(tables);
  keep_shard(runs, options.ways.shard, options.ways.by == "row");
  if (options.dry_run) {
    for (const PlannedRun& planned : runs) std::cout << planned.name() << '\n';
    return 0;
  }
  if (!options.ways.processes.empty() && !is_one_of_many()) {
    const int count = processes_asked(options.ways.processes);
    if (count > 1) {
      hold_stems(tables, options.where.out);
      return run_processes(count);
    }
  }
  experiment::RunOptions run_with = run_options(options.where);
  const auto worker = this_worker();
  if (!worker && !is_one_of_many()) hold_stems(tables, run_with.out);
  if (options.ways.jobs > 0 && !worker) {
    const int status = run_jobs(runs, options.ways.jobs, run_with.out, options.quiet, run_with.terminal_columns);
    if (!options.quiet) print_results(tables, run_with.out);
    return status;
  }
  run_with.resume = !options.ways.fresh;
  run_with.alone = options.alone;
  run_with.retry_failed = options.ways.retry;
  run_with.quiet = options.quiet || worker;
  run_with.extend = options.extend;
  run_with.shared = options.ways.shared || worker;
  if (worker) {
    run_with.processes_here = worker->count;
    if (options.where.device == "auto" && base::gpus() > 1)
      run_with.device = concat("cuda:", worker->index % base::gpus());
  }
  auto others = join_others(options.ways);
  if (!others) return train_all(runs, tables, run_with);
  try {
    make_one_of_many(run_with, runs, options.where.device, *others);
    const int status = train_all(runs, tables, run_with);
    others->leave();
    return status;
  } catch (...) {
    const Failure failure = current_failure();
    const bool is_first = others->abandon(failure.message);
    const bool speaks = failure.code == ExitCode::config ? others->writes() : is_first;
    // Who watches the others does so until the program has ended.
    [[maybe_unused]] static const world::World* const kept = others.release();
    if (!speaks) return static_cast<int>(failure.code);  // another one says it
    throw;
  }
}

}  // namespace

void add_train(CLI::App& app, int& status) {
  const auto options = std::make_shared<TrainCommandOptions>();
  add_which_options(app, options->which, /*several_configs=*/true, /*with_seeds=*/true);
  add_data_option(app, options->where);
  auto* out = app.add_option("--out", options->where.out, "folder of the runs")->capture_default_str();
  add_device_options(app, options->where);
  add_executor_option(app, options->where);
  app.add_option("--name", options->name, "folder below --out, instead of the config's name")
      ->check([](const std::string& name) {
        return name.empty() || name.front() == '.' || name.find('/') != std::string::npos
                   ? "a name is that of one folder"
                   : "";
      });
  app.add_option("--processes", options->ways.processes,
                 "train every run on so many processes here; auto: one per GPU. Seeds that train as one network are "
                 "shared out");
  take_whole_numbers(app.add_option("--jobs", options->ways.jobs,
                                    "so many workers here, each with a run of its own; cores are divided"),
                     1, 1024);
  app.add_flag("--shared", options->ways.shared, "take runs that no other process has, here or on other machines");
  app.add_option("--shard", options->ways.shard, "i/n: only every n-th run, beginning with the i-th");
  app.add_option("--by", options->ways.by, "with --shard: count every run, or every row")
      ->check(CLI::IsMember({"run", "row"}));
  auto* resume = app.add_flag_callback(
      "--resume", [] {}, "continue what is there (the default)");
  auto* fresh = app.add_flag("--fresh", options->ways.fresh, "set aside what is there, under .old/, and begin anew");
  fresh->excludes(resume);
  app.add_flag("--extend", options->extend,
               "go on with finished runs whose train.length alone grew, where no number depends on the length")
      ->excludes(fresh);
  app.add_option_function<std::string>(
         "--retry", [options](const std::string&) { options->ways.retry = true; },
         "failed: go on with runs that diverged, from their last checkpoint")
      ->check(CLI::IsMember({"failed"}));
  app.add_flag("--alone", options->alone, "train every seed by itself, also where several could be one network");
  app.add_flag("--no-search", options->no_search, "train rows with the values they are written with");
  app.add_flag("--dry-run", options->dry_run, "name the runs, train nothing");
  app.add_flag("--quiet", options->quiet, "print nothing but errors");
  app.callback([options, out, &status] { status = train(*options, out->count() > 0); });
}

}  // namespace optdnn::app
