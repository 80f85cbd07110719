#include "optdnn/experiment/run.h"

#include <iostream>

#include "optdnn/base/device.h"
#include "optdnn/base/log.h"
#include "optdnn/base/share_out.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/claim.h"
#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/memory.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/pictures.h"
#include "optdnn/experiment/smallest_batch.h"
#include "optdnn/experiment/summary.h"
#include "optdnn/metrics/sink.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

using base::concat;

const data::DataSet& DataSets::get(const data::DataSetSpec& spec) {
  auto& set = sets_[config::canonical_json(config::dump(spec))];
  if (!set) set = data::make_dataset(spec, root_, device_);
  return *set;
}

void set_threads(const RunOptions& options, const data::DataShape& shape) {
  static const int all = base::torch_threads();
  const bool small = shape.input.size() == 1;
  base::set_torch_threads(options.threads > 0 ? options.threads : small ? 1 : all);
  base::set_sharing_threads(options.threads > 0 ? options.threads : all);
}

namespace {

constexpr size_t kMostAtOnce = 32;  // Choice: runs in one network; bounds memory

// A seed whose folder is ours.
struct Held {
  RunFolder folder;
  config::Node resolved;
  Claim claim;
  bool begun = false;  // there is a state to continue from
};
using HeldSeeds = std::map<uint64_t, Held>;

// A run that is about to train: its place and what it leaves there.
struct Begun {
  uint64_t seed;
  RunFolder folder;
  Summary summary;
  std::function<void()> before_write;
  std::vector<std::unique_ptr<metrics::Sink>> sinks;
};

Begun begin(const Table& table, const Row& row, uint64_t seed, const RunOptions& options, const Held& held) {
  const RunFolder& folder = held.folder;
  Begun begun{seed, folder, Summary(table, row, seed, config_hash(held.resolved), options), {}, {}};
  begun.before_write = [&held] {
    held.claim.check();
    write_resolved(held.folder, held.resolved);
  };
  begun.sinks.push_back(metrics::make_json_lines_sink(folder.path / "metrics.jsonl"));
  begun.sinks.push_back(metrics::make_csv_sink(folder.path / "metrics.csv"));
  begun.sinks.push_back(
      metrics::make_tensorboard_sink(folder.path / "events.out.tfevents.optdnn", options.unix_time_s));
  return begun;
}

void log_to(const RunFolder& folder, const std::string& line) {
  base::open_log_file(folder.path / "log.txt");
  base::log_info(line);
}

std::string seeds_text(const std::vector<uint64_t>& seeds) {
  return seeds.size() == 1 ? concat("seed ", seeds.front())
                           : concat(seeds.size(), " seeds, ", seeds.front(), " to ", seeds.back());
}

// Summary, log and pictures of a run that ended.
RunOutcome end(Begun& run, int64_t number, const training::TrainResult& result, const Row& row,
               const models::Network& network, const data::DataSet& dataset) {
  using Status = RunOutcome::Status;
  run.before_write();
  if (result.diverged) {
    log_to(run.folder, result.diverged->what());  // the terminal hears of it from the command
    run.summary.add_error(result.diverged->what());
    run.summary.write(run.folder.summary(), "diverged");
    return {Status::failed, run.seed, std::make_exception_ptr(*result.diverged)};
  }
  const auto executors = executors_of(network);
  if (!executors.empty()) {
    log_to(run.folder, executors_text(executors));
    run.summary.add_executors(executors);
  }
  const char* status = result.stopped ? "stopped" : "finished";
  log_to(run.folder, concat(status, " after ", result.iterations, " iterations, begun at ", result.resumed_at,
                            "; iterations ", result.iteration));
  run.summary.add_result(result);
  if (network.opt_net) run.summary.add_certificate("certificate", row.spec, *network.opt_net, number);
  if (!result.stopped) write_pictures(row.spec, run.seed, dataset, run.folder);
  run.summary.write(run.folder.summary(), status);
  return {result.stopped ? Status::stopped : Status::finished, run.seed, nullptr};
}

// Runs that have begun do not need the weights they began with.
ExperimentSpec without_file(ExperimentSpec spec, const std::vector<uint64_t>& seeds, const HeldSeeds& held) {
  const bool begun = std::all_of(seeds.begin(), seeds.end(), [&](uint64_t seed) { return held.at(seed).begun; });
  if (begun) spec.init.from.reset();
  return spec;
}

// The seeds as one network; they stand at the same iteration.
std::vector<RunOutcome> train_together(const Table& table, const Row& row, const std::vector<uint64_t>& seeds,
                                       const RunOptions& options, DataSets& datasets, const HeldSeeds& held) {
  const data::DataSet& dataset = datasets.get(row.spec.dataset);
  const models::NetworkShape shape = network_shape(dataset.shape());
  set_threads(options, dataset.shape());
  const Loaders loaders = make_loaders(dataset, row.spec, seeds, options.loader_threads);
  check_smallest_batch(row, dataset, loaders.train);
  const modules::Count cost = count_network(row.spec);
  const models::Network network = make_stacked_network(without_file(row.spec, seeds, held), shape, seeds);
  force_executor(network, options.executor);
  training::TrainJob job = make_job(row.spec, dataset.shape(), network, loaders);
  job.device = torch::Device(options.device);
  job.stop_requested = options.stop_requested;
  job.seconds = options.seconds;
  if (options.no_graph) job.why_eager = "asked for";

  const auto runs = static_cast<int64_t>(seeds.size());
  const auto solves = observe_solver(network, loaders.test, row.spec.train, job.device, runs);
  std::vector<Begun> begun;
  job.runs.clear();
  for (int64_t i = 0; i < runs; ++i) {
    Begun& run = begun.emplace_back(begin(table, row, seeds[i], options, held.at(seeds[i])));
    run.summary.add_cost(cost);
    if (runs > 1) run.summary.add_runs_at_once(runs, base::sharing_threads());
    training::RunJob& part = job.runs.emplace_back();
    part.checkpoints = run.folder.checkpoints();
    part.before_write = run.before_write;
    for (const auto& sink : run.sinks) part.sinks.push_back(sink.get());
    if (network.opt_net) {
      part.observers.push_back(observe_rule(*rule_of(row.spec), network.opt_net, i));
      run.summary.add_certificate("certificate_at_start", row.spec, *network.opt_net, i);
    }
    if (!solves.empty()) part.observers.push_back(solves[i]);
    log_to(run.folder, concat(row.id, ", ", seeds_text(seeds), ", ", options.device, ", ", base::torch_threads(),
                              " threads, ", options.program_version));
  }
  const training::Length length = training::length_of(job.train, loaders.train.batches_per_epoch());
  if (const auto warning = warmup_warning(row.spec, length)) base::log_warning(*warning);
  std::unique_ptr<metrics::Sink> terminal;
  if (!options.quiet) {
    const int64_t iterations = length.iterations;
    const bool bar = options.terminal_columns > 0;
    terminal = metrics::make_terminal_sink(
        std::cout, {concat(row.id, ", ", seeds_text(seeds)), iterations, bar, options.terminal_columns});
    job.progress.push_back(terminal.get());
  }

  const auto results = training::train(job);
  std::vector<RunOutcome> outcomes;
  for (int64_t i = 0; i < runs; ++i) outcomes.push_back(end(begun[i], i, results[i], row, network, dataset));
  return outcomes;
}

// Seeds that train as one network: those that stand at the same iteration, as far as memory allows.
class Groups {
 public:
  explicit Groups(bool together) : most_(together ? kMostAtOnce : 1) {}

  void add(uint64_t seed, int64_t iteration) {
    const auto found = open_.find(iteration);
    if (found == open_.end() || groups_[found->second].size() == most_) {
      open_[iteration] = groups_.size();
      groups_.emplace_back();
    }
    groups_[open_[iteration]].push_back(seed);
  }
  const std::vector<std::vector<uint64_t>>& all() const { return groups_; }

 private:
  size_t most_;
  std::vector<std::vector<uint64_t>> groups_;
  std::map<int64_t, size_t> open_;  // by iteration, the group that may not be full
};

// Where memory ends on the way, the estimate says how much is wanted; the last checkpoint is there.
std::vector<RunOutcome> train_in_memory(const Table& table, const Row& row, const std::vector<uint64_t>& seeds,
                                        const RunOptions& options, DataSets& datasets, const HeldSeeds& held) {
  const auto explain = [&](const std::string& what) {
    const data::DataSet& dataset = datasets.get(row.spec.dataset);
    const auto memory = estimate_memory(row.spec, dataset.shape(), data::batch_size(row.spec.dataset),
                                        options.loader_threads, static_cast<int64_t>(seeds.size()));
    throw base::EnvironmentError(concat("not enough memory: ", what, "; ", memory_text(memory)),
                                 "a smaller batch_size, train.recompute: true, or --alone for several seeds; the same "
                                 "command then goes on from the last checkpoint");
  };
  std::string what;
  try {
    return train_together(table, row, seeds, options, datasets, held);
  } catch (const std::bad_alloc& error) {
    what = error.what();
  } catch (const c10::Error& error) {
    what = base::split(error.what_without_backtrace(), '\n').front();
    if (!options.device.starts_with("cpu") || what.find("allocate memory") == std::string::npos) throw;
  }
  explain(what);
  return {};
}

// Whether the folder holds this run, finished. Errors: as check_identity.
bool is_finished(const RunFolder& folder, const config::Node& resolved) {
  if (!std::filesystem::exists(folder.resolved())) return false;
  check_identity(folder, resolved);
  const auto summary = summary_of(folder);
  return summary.is_object() && summary.value("status", "") == "finished";
}

// Errors: DivergedError with what the run's summary says, if it diverged before.
void check_not_failed(const RunFolder& folder) {
  const auto summary = summary_of(folder);
  if (!summary.is_object() || summary.value("status", "") != "diverged") return;
  throw base::DivergedError("diverged before: " + summary.value("error", ""),
                            "it is left alone; --retry failed goes on from its last checkpoint");
}

// Makes a seed's folder ours. Returns the iteration it stands at, or nothing if the run is finished.
std::optional<int64_t> hold(const Table& table, const Row& row, uint64_t seed, const RunOptions& options,
                            HeldSeeds& held) {
  const RunFolder folder = run_folder(options.out, table, row, seed);
  const config::Node resolved = resolved_run(row, seed);
  if (options.resume && is_finished(folder, resolved)) return std::nullopt;
  Held& run = held.emplace(seed, Held{folder, resolved, Claim::take(folder.path)}).first->second;
  if (!options.resume) set_aside(folder, options.out, options.unix_time_s);
  if (is_finished(folder, resolved)) {  // between the two looks
    held.erase(seed);
    return std::nullopt;
  }
  check_identity(folder, resolved);
  if (!options.retry_failed && std::filesystem::exists(folder.resolved())) check_not_failed(folder);
  base::open_log_file(folder.path / "log.txt");
  const auto state = training::load_state(folder.checkpoints());
  run.begun = state.has_value();
  return state ? state->iteration : 0;
}

}  // namespace

std::vector<RunOutcome> run(const Table& table, const Row& row, const std::vector<uint64_t>& seeds,
                            const RunOptions& options, DataSets& datasets) {
  using Status = RunOutcome::Status;
  std::vector<RunOutcome> outcomes;
  HeldSeeds held;
  const bool together = !options.alone && row.spec.train.on_divergence.stops() &&
                        trains_as_one(row.spec, network_shape(data::dataset_shape(row.spec.dataset)));
  Groups waiting(together);
  for (const uint64_t seed : seeds) try {
      if (const auto iteration = hold(table, row, seed, options, held)) {
        waiting.add(seed, *iteration);
      } else {
        outcomes.push_back({Status::was_finished, seed, nullptr});
      }
    } catch (...) {
      held.erase(seed);
      outcomes.push_back({Status::failed, seed, std::current_exception()});
    }
  for (const auto& group : waiting.all()) try {
      if (options.stop_requested && options.stop_requested()) break;
      const auto trained = train_in_memory(table, row, group, options, datasets, held);
      outcomes.insert(outcomes.end(), trained.begin(), trained.end());
      for (const uint64_t seed : group) held.erase(seed);
    } catch (...) {
      for (const uint64_t seed : group) {
        held.erase(seed);
        outcomes.push_back({Status::failed, seed, std::current_exception()});
      }
    }
  return outcomes;
}

}  // namespace optdnn::experiment
