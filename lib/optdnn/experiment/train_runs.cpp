#include "optdnn/experiment/train_runs.h"

#include <algorithm>
#include <iostream>

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/share_out.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/held_runs.h"
#include "optdnn/experiment/hparams.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/memory.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/pictures.h"
#include "optdnn/experiment/smallest_batch.h"
#include "optdnn/experiment/status.h"
#include "optdnn/experiment/summary.h"
#include "optdnn/metrics/sink.h"
#include "optdnn/modules/synchronised_norm.h"
#include "optdnn/solvers/fixed_point.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

using base::concat;

namespace {

constexpr size_t kMostAtOnce = 32;  // Choice: runs in one network; bounds memory

// A run that is about to train: its place and what it leaves there.
struct Begun {
  size_t number;
  const PlannedRun& run;
  double cpu_seconds;  // of the calls before
  Summary summary;
  std::function<void()> before_write;
  std::vector<std::unique_ptr<metrics::Sink>> sinks;
  std::shared_ptr<Status> status;  // among the sinks too; null for trials
};

// What a run that was stopped had taken by then.
double cpu_seconds_in(const RunFolder& folder) { return value_in(summary_of(folder), "cpu_seconds", 0.0); }

Begun begin(const Table& table, const Row& row, const RunPlan& plan, size_t number, const RunOptions& options,
            const Held& held) {
  const PlannedRun& run = plan.runs[number];
  const RunFolder& folder = run.folder;
  Begun begun{number, run, 0, Summary(table, row, run.seed, config_hash(held.resolved), options), {}, {}, nullptr};
  if (!held.claim) return begun;  // another process writes
  begun.before_write = [&held, &folder] {
    held.claim->check();
    write_resolved(folder, held.resolved);
  };
  begun.cpu_seconds = cpu_seconds_in(folder);
  if (!plan.search.is_null()) begun.summary.add_search(plan.search);
  begun.sinks.push_back(metrics::make_json_lines_sink(folder.path / "metrics.jsonl"));
  begun.sinks.push_back(metrics::make_csv_sink(folder.path / "metrics.csv"));
  begun.sinks.push_back(metrics::make_tensorboard_sink(folder.path / "events.out.tfevents.optdnn", options.unix_time_s,
                                                       hparams_of(held.resolved), concat(table.stem, "/", row.id)));
  return begun;
}

StatusOptions status_options(const RunOptions& options, const training::Length& length, int64_t runs) {
  return {length.iterations, runs, options.unix_time_s, options.seconds, options.begin_s};
}

void log_to(const RunFolder& folder, const std::string& line) {
  base::open_log_file(folder.path / "log.txt");
  base::log_info(line);
}

// Summary, log and pictures of a run that ended.
RunOutcome end(Begun& begun, int64_t place, const training::TrainResult& result, const RunPlan& plan,
               const models::Network& network, const data::DataSet& dataset) {
  const auto& [spec, seed, folder] = begun.run;
  using Ended = RunOutcome::Status;
  const Ended ended = result.stopped ? Ended::stopped : Ended::finished;
  if (!begun.before_write) {  // another process writes
    if (result.diverged) return {Ended::failed, seed, std::make_exception_ptr(*result.diverged), begun.number};
    return {ended, seed, nullptr, begun.number};
  }
  begun.before_write();
  if (result.diverged) {
    log_to(folder, result.diverged->what());  // the terminal hears of it from the command
    begun.summary.add_error(result.diverged->what());
    begun.summary.write(folder.summary(), "diverged");
    if (begun.status) begun.status->end("diverged");
    return {Ended::failed, seed, std::make_exception_ptr(*result.diverged), begun.number};
  }
  const auto executors = executors_of(network);
  if (!executors.empty()) {
    log_to(folder, executors_text(executors));
    begun.summary.add_executors(executors);
  }
  const char* status = result.stopped ? "stopped" : "finished";
  log_to(folder, concat(status, " after ", result.iterations, " iterations, begun at ", result.resumed_at,
                        "; iterations ", result.iteration,
                        result.kernels.empty() ? "" : concat("; kernels: ", base::join(result.kernels, ", "))));
  begun.summary.add_result(result);
  if (network.opt_net && !plan.are_trials) {
    begun.summary.add_certificate("certificate", spec, *network.opt_net, place);
  }
  if (!result.stopped && !plan.are_trials) write_pictures(spec, seed, dataset, folder);
  begun.summary.write(folder.summary(), status);
  if (begun.status) begun.status->end(status);
  return {ended, seed, nullptr, begun.number};
}

// Runs of a plan as one network; they stand at the same iteration.
std::vector<RunOutcome> train_together(const Table& table, const Row& row, const RunPlan& plan,
                                       const std::vector<size_t>& numbers, const RunOptions& options,
                                       DataSets& datasets, const HeldRuns& held) {
  const ExperimentSpec& spec = plan.runs[numbers.front()].spec;
  // Runs that have begun do not need the weights they began with.
  const bool begun_all = std::all_of(numbers.begin(), numbers.end(), [&](size_t n) { return held.at(n).begun; });
  std::vector<ExperimentSpec> specs;
  std::vector<uint64_t> seeds;
  for (const size_t number : numbers) {
    specs.push_back(plan.runs[number].spec);
    if (begun_all) specs.back().init.from.reset();
    seeds.push_back(plan.runs[number].seed);
  }
  const data::DataSet& dataset = datasets.get(spec.dataset);
  const models::NetworkShape shape = network_shape(dataset.shape());
  set_threads(options, dataset.shape());
  const world::World& world = *options.world;
  const Loaders loaders =
      make_loaders(dataset, spec, seeds, options.loader_threads_of(dataset), data::Part{world.rank(), world.size()});
  check_smallest_batch(row, dataset, loaders.train);
  const modules::Count cost = count_network(spec);
  const models::Network network =
      make_stacked_network(specs, shape, seeds, trains_as_one(spec, shape) ? plan.constants : std::set<std::string>{});
  force_executor(network, options.executor);
  if (!world.is_alone()) modules::synchronise(*network.module.ptr(), world);
  training::TrainJob job = make_job(spec, dataset.shape(), network, loaders);
  job.device = torch::Device(options.device);
  job.world = options.world;
  job.stop_requested = options.stop_requested;
  job.seconds = options.seconds;
  if (options.no_graph) job.why_eager = "asked for";
  if (plan.are_trials) {
    job.test_loader = nullptr;
    for (const ExperimentSpec& one : specs) {
      if (specs.size() > 1 && !training::groups_of(one.optimizer))
        job.rates.push_back(training::rates_of(one.optimizer));
    }
  }

  const auto runs = static_cast<int64_t>(seeds.size());
  const training::Length length = training::length_of(job.train, loaders.train.batches_per_epoch());
  std::vector<SolverObserver> solves;
  if (!plan.are_trials) solves = observe_solver(network, loaders.test, spec.train, job.device, runs);
  std::vector<Begun> begun;
  job.runs.clear();
  begun.reserve(numbers.size());
  for (int64_t i = 0; i < runs; ++i) {
    Begun& run = begun.emplace_back(begin(table, row, plan, numbers[i], options, held.at(numbers[i])));
    run.summary.add_cost(cost);
    run.summary.add_loader_threads(loaders.train.options().threads);
    if (!plan.are_trials && run.before_write) {
      run.status = std::make_shared<Status>(run.run.folder.path / "status.json", status_options(options, length, runs));
    }
    if (runs > 1) run.summary.add_runs_at_once(runs, base::sharing_threads());
    training::RunJob& part = job.runs.emplace_back();
    if (!solves.empty()) {  // of every process
      part.observers.push_back(solves[i].observe);
      part.counted = solves[i].counted;
      part.recount = solves[i].recount;
    }
    if (!run.before_write) continue;
    part.checkpoints = run.run.folder.checkpoints();
    part.before_write = run.before_write;
    for (const auto& sink : run.sinks) part.sinks.push_back(sink.get());
    if (run.status) part.sinks.push_back(run.status.get());
    if (network.opt_net && !plan.are_trials) {
      part.observers.push_back(observe_rule(*rule_of(spec), network.opt_net, i));
      part.metadata = [rule = rule_of(spec), net = network.opt_net, i] {
        const std::string coefficients = coefficients_json(*rule, *net, i);
        return coefficients.empty() ? std::map<std::string, std::string>{}
                                    : std::map<std::string, std::string>{{"coefficients", coefficients}};
      };
      run.summary.add_certificate("certificate_at_start", spec, *network.opt_net, i);
    }
    log_to(run.run.folder, concat(plan.label, ", ", options.device, ", ", base::torch_threads(), " threads, ",
                                  options.program_version));
  }
  if (const auto warning = warmup_warning(spec, length)) base::log_warning(*warning);
  std::unique_ptr<metrics::Sink> terminal;
  if (!options.quiet && world.writes()) {
    const int64_t iterations = length.iterations;
    const bool bar = options.terminal_columns > 0;
    terminal = metrics::make_terminal_sink(
        std::cout, {plan.label, iterations, bar, options.terminal_columns, runs, options.left_of_all});
    job.progress.push_back(terminal.get());
  }

  const double cpu_begin_s = options.cpu_seconds ? options.cpu_seconds() : 0;
  const auto results = training::train(job);
  const double cpu_share_s =
      options.cpu_seconds ? (options.cpu_seconds() - cpu_begin_s) / static_cast<double>(runs) : 0;
  for (int64_t i = 0; i < runs; ++i) {
    const double before = results[i].resumed_at > 0 ? begun[i].cpu_seconds : 0;
    if (options.cpu_seconds) begun[i].summary.add_cpu_seconds(before + cpu_share_s);
  }
  std::vector<RunOutcome> outcomes;
  for (int64_t i = 0; i < runs; ++i) outcomes.push_back(end(begun[i], i, results[i], plan, network, dataset));
  return outcomes;
}

// Runs that train as one network: those that stand at the same iteration and are alike but for their numbers, as far as
// memory allows.
class Groups {
 public:
  explicit Groups(size_t most) : most_(most) {}

  void add(size_t number, int64_t iteration, const std::string& kind) {
    const auto key = std::pair(iteration, kind);
    const auto found = open_.find(key);
    if (found == open_.end() || groups_[found->second].size() == most_) {
      open_[key] = groups_.size();
      groups_.emplace_back();
    }
    groups_[open_[key]].push_back(number);
  }
  const std::vector<std::vector<size_t>>& all() const { return groups_; }

 private:
  size_t most_;
  std::vector<std::vector<size_t>> groups_;
  std::map<std::pair<int64_t, std::string>, size_t> open_;  // the group that may not be full
};

// The experiment without the numbers in which runs of one network may differ.
std::string kind_of(const RunPlan& plan, ExperimentSpec spec) {
  if (!plan.are_trials) return "";
  // The rates of groups do not follow those of a run.
  if (!training::groups_of(spec.optimizer)) spec.optimizer = training::with_rates(spec.optimizer, {1, 0});
  spec.init.scale = 1;
  for (const std::string& name : plan.constants) spec.algorithm->coefficients.erase(name);
  if (spec.algorithm) {
    for (auto& item : spec.algorithm->coefficients) {
      if (item.second.value) item.second.value = 1;
    }
  }
  return config::canonical_json(resolved(spec));
}

// Where memory ends on the way, the estimate says how much is wanted; the last checkpoint is there.
std::vector<RunOutcome> train_in_memory(const Table& table, const Row& row, const RunPlan& plan,
                                        const std::vector<size_t>& numbers, const RunOptions& options,
                                        DataSets& datasets, const HeldRuns& held) {
  const auto explain = [&](const std::string& what) {
    const data::DataSet& dataset = datasets.get(row.spec.dataset);
    const auto memory = estimate_memory(row.spec, dataset, data::batch_size(row.spec.dataset),
                                        options.loader_threads_of(dataset), static_cast<int64_t>(numbers.size()));
    throw base::EnvironmentError(concat("not enough memory: ", what, "; ", memory_text(memory)),
                                 "a smaller batch_size, train.recompute: true, or --alone for several seeds; the same "
                                 "command then goes on from the last checkpoint");
  };
  std::string what;
  try {
    return train_together(table, row, plan, numbers, options, datasets, held);
  } catch (const std::bad_alloc& error) {
    what = error.what();
  } catch (const c10::Error& error) {
    what = base::split(error.what_without_backtrace(), '\n').front();
    if (!options.device.starts_with("cpu") || what.find("allocate memory") == std::string::npos) throw;
  }
  explain(what);
  return {};
}

}  // namespace

size_t runs_at_once(const Row& row, const RunOptions& options) {
  const bool together = !options.alone && row.spec.train.on_divergence.stops() &&
                        trains_as_one(row.spec, network_shape(data::dataset_shape(row.spec.dataset)));
  return together ? kMostAtOnce : 1;
}

std::vector<RunOutcome> train_runs(const Table& table, const Row& row, const RunPlan& plan, const RunOptions& options,
                                   DataSets& datasets) {
  using Ended = RunOutcome::Status;
  const world::World& world = *options.world;
  std::vector<RunOutcome> outcomes;
  HeldRuns held;
  Groups waiting(runs_at_once(row, options));
  for (size_t number = 0; number < plan.runs.size(); ++number) {
    const auto& [spec, seed, folder] = plan.runs[number];
    const Found found = find(plan, number, options, held);
    switch (found.what) {
      case Found::What::to_train:
        waiting.add(number, found.iteration, kind_of(plan, spec));
        continue;
      case Found::What::failed:
        outcomes.push_back({Ended::failed, seed, found.error, number});
        continue;
      case Found::What::finished:
        if (!plan.are_trials && world.writes()) refresh_summary(folder.summary(), row);
        outcomes.push_back({Ended::was_finished, seed, nullptr, number});
        continue;
      case Found::What::elsewhere:
        break;
    }
    // Who is a step behind another process leaves the seeds to come to it, that they stay one network.
    for (size_t left = number; left < plan.runs.size(); ++left)
      outcomes.push_back({Ended::elsewhere, plan.runs[left].seed, found.error, left});
    break;
  }
  for (const auto& group : waiting.all()) try {
      if (world.any(options.stop_requested && options.stop_requested())) break;
      const auto trained = train_in_memory(table, row, plan, group, options, datasets, held);
      outcomes.insert(outcomes.end(), trained.begin(), trained.end());
      for (const size_t number : group) held.erase(number);
    } catch (...) {
      if (!world.is_alone()) throw;  // nobody can know where the others stand
      for (const size_t number : group) {
        if (!plan.are_trials) mark_failed(plan.runs[number].folder.path / "status.json");
        held.erase(number);
        outcomes.push_back({Ended::failed, plan.runs[number].seed, std::current_exception(), number});
      }
    }
  return outcomes;
}

}  // namespace optdnn::experiment
