#include "optdnn/experiment/train_together.h"

#include <algorithm>
#include <iostream>

#include "optdnn/base/device.h"
#include "optdnn/base/log.h"
#include "optdnn/base/share_out.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/begun_run.h"
#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/smallest_batch.h"
#include "optdnn/modules/synchronised_norm.h"

namespace optdnn::experiment {

using base::concat;

namespace {

// The specs of these runs. Those that have begun do not need the weights they began with.
std::vector<ExperimentSpec> specs_of(const RunPlan& plan, const std::vector<size_t>& numbers, const HeldRuns& held) {
  const bool begun_all = std::all_of(numbers.begin(), numbers.end(), [&](size_t n) { return held.at(n).begun; });
  std::vector<ExperimentSpec> specs;
  for (const size_t number : numbers) {
    specs.push_back(plan.runs[number].spec);
    if (begun_all) specs.back().init.from.reset();
  }
  return specs;
}

std::vector<uint64_t> seeds_of(const RunPlan& plan, const std::vector<size_t>& numbers) {
  std::vector<uint64_t> seeds;
  for (const size_t number : numbers) seeds.push_back(plan.runs[number].seed);
  return seeds;
}

// Trials are judged without the test set, and may differ in their rates.
void make_trials(training::TrainJob& job, const std::vector<ExperimentSpec>& specs) {
  job.test_loader = nullptr;
  for (const ExperimentSpec& one : specs) {
    if (specs.size() > 1 && !training::groups_of(one.optimizer)) job.rates.push_back(training::rates_of(one.optimizer));
  }
}

// On the terminal, of the process that writes; null where nothing is to be seen.
std::unique_ptr<metrics::Sink> make_progress(const std::string& label, const training::Length& length, int64_t runs,
                                             const RunOptions& options) {
  if (options.quiet || !options.world->writes()) return nullptr;
  const bool bar = options.terminal_columns > 0;
  return metrics::make_terminal_sink(
      std::cout, {label, length.iterations, bar, options.terminal_columns, runs, options.left_of_all});
}

}  // namespace

std::vector<RunOutcome> train_together(const Table& table, const Row& row, const RunPlan& plan,
                                       const std::vector<size_t>& numbers, const RunOptions& options,
                                       DataSets& datasets, const HeldRuns& held) {
  const std::vector<ExperimentSpec> specs = specs_of(plan, numbers, held);
  const std::vector<uint64_t> seeds = seeds_of(plan, numbers);
  const ExperimentSpec& spec = plan.runs[numbers.front()].spec;
  const data::DataSet& dataset = datasets.get(spec.dataset);
  const models::NetworkShape shape = network_shape(dataset.shape());
  set_threads(options, dataset.shape());
  const world::World& world = *options.world;
  const Loaders loaders =
      make_loaders(dataset, spec, seeds, options.loader_threads_of(dataset), data::Part{world.rank(), world.size()});
  check_smallest_batch(row, dataset, loaders.train);
  const modules::Count cost = count_network(spec);  // before the network, which sets the random numbers
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
  if (plan.are_trials) make_trials(job, specs);

  const auto runs = static_cast<int64_t>(seeds.size());
  const training::Length length = training::length_of(job.train, loaders.train.batches_per_epoch());
  std::vector<SolverObserver> solves;  // of every process
  if (!plan.are_trials) solves = observe_solver(network, loaders.test, spec.train, job.device, runs);
  std::vector<BegunRun> begun;
  begun.reserve(numbers.size());
  job.runs.clear();
  for (int64_t i = 0; i < runs; ++i) {
    BegunRun& run = begun.emplace_back(table, row, plan, numbers[i], options, held.at(numbers[i]));
    run.summary().add_cost(cost);
    run.summary().add_loader_threads(loaders.train.options().threads);
    if (runs > 1) run.summary().add_runs_at_once(runs, base::sharing_threads());
    if (run.writes() && !plan.are_trials) run.keep_status(length, runs, options);
    training::RunJob& part = job.runs.emplace_back(run.writes() ? run.job(network, i) : training::RunJob());
    if (!solves.empty()) {
      part.observers.insert(part.observers.begin(), solves[i].observe);
      part.counted = solves[i].counted;
      part.recount = solves[i].recount;
    }
    if (!run.writes()) continue;
    run.log(
        concat(plan.label, ", ", options.device, ", ", base::torch_threads(), " threads, ", options.program_version));
  }
  if (const auto warning = warmup_warning(spec, length)) base::log_warning(*warning);
  const auto progress = make_progress(plan.label, length, runs, options);
  if (progress) job.progress.push_back(progress.get());

  const auto cpu_seconds = [&] { return options.cpu_seconds ? options.cpu_seconds() : 0; };
  const double cpu_begin_s = cpu_seconds();
  const auto results = training::train(job);
  const double cpu_share_s = (cpu_seconds() - cpu_begin_s) / static_cast<double>(runs);
  std::vector<RunOutcome> outcomes;
  for (int64_t i = 0; i < runs; ++i) {
    if (options.cpu_seconds) begun[i].add_cpu_seconds(cpu_share_s, results[i]);
    outcomes.push_back(begun[i].end(results[i], network, i, dataset));
  }
  return outcomes;
}

}  // namespace optdnn::experiment
