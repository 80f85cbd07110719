#include "optdnn/experiment/begun_run.h"

#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/hparams.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/pictures.h"

namespace optdnn::experiment {

using base::concat;

BegunRun::BegunRun(const Table& table, const Row& row, const RunPlan& plan, size_t number, const RunOptions& options,
                   const Held& held)
    : plan_(plan),
      run_(plan.runs[number]),
      number_(number),
      summary_(table, row, run_.seed, config_hash(held.resolved), options) {
  if (!held.claim) return;  // another process writes
  const RunFolder& folder = run_.folder;
  before_write_ = [&held, &folder] {
    held.claim->check();
    write_resolved(folder, held.resolved);
  };
  cpu_seconds_ = value_in(summary_of(folder), "cpu_seconds", 0.0);  // of a run that was stopped
  if (!plan.search.is_null()) summary_.add_search(plan.search);
  sinks_.push_back(metrics::make_json_lines_sink(folder.path / "metrics.jsonl"));
  sinks_.push_back(metrics::make_csv_sink(folder.path / "metrics.csv"));
  sinks_.push_back(metrics::make_tensorboard_sink(folder.path / "events.out.tfevents.optdnn", options.unix_time_s,
                                                  hparams_of(held.resolved), concat(table.stem, "/", row.id)));
}

void BegunRun::log(const std::string& line) const {
  base::open_log_file(run_.folder.path / "log.txt");
  base::log_info(line);
}

void BegunRun::keep_status(const training::Length& length, int64_t runs, const RunOptions& options) {
  status_ = std::make_shared<Status>(
      run_.folder.path / "status.json",
      StatusOptions{length.iterations, runs, options.unix_time_s, options.seconds, options.begin_s});
}

training::RunJob BegunRun::job(const models::Network& network, int64_t place) {
  training::RunJob job;
  job.checkpoints = run_.folder.checkpoints();
  job.before_write = before_write_;
  for (const auto& sink : sinks_) job.sinks.push_back(sink.get());
  if (status_) job.sinks.push_back(status_.get());
  if (!network.opt_net || plan_.are_trials) return job;
  const auto rule = rule_of(run_.spec);
  job.observers.push_back(observe_rule(*rule, network.opt_net, place));
  job.metadata = [rule, net = network.opt_net, place] {
    const std::string coefficients = coefficients_json(*rule, *net, place);
    return coefficients.empty() ? std::map<std::string, std::string>{}
                                : std::map<std::string, std::string>{{"coefficients", coefficients}};
  };
  summary_.add_certificate("certificate_at_start", run_.spec, *network.opt_net, place);
  return job;
}

void BegunRun::add_cpu_seconds(double seconds, const training::TrainResult& result) {
  summary_.add_cpu_seconds((result.resumed_at > 0 ? cpu_seconds_ : 0) + seconds);
}

RunOutcome BegunRun::end(const training::TrainResult& result, const models::Network& network, int64_t place,
                         const data::DataSet& dataset) {
  using Ended = RunOutcome::Status;
  RunOutcome outcome{result.stopped ? Ended::stopped : Ended::finished, run_.seed, nullptr, number_};
  if (result.diverged) {
    outcome.status = Ended::failed;
    outcome.error = std::make_exception_ptr(*result.diverged);
  }
  if (!writes()) return outcome;
  before_write_();
  const char* status = result.diverged ? "diverged" : result.stopped ? "stopped" : "finished";
  if (result.diverged) {
    log(result.diverged->what());  // the terminal hears of it from the command
    summary_.add_error(result.diverged->what());
  } else {
    const auto executors = executors_of(network);
    if (!executors.empty()) {
      log(executors_text(executors));
      summary_.add_executors(executors);
    }
    log(concat(status, " after ", result.iterations, " iterations, begun at ", result.resumed_at, "; iterations ",
               result.iteration,
               result.kernels.empty() ? "" : concat("; kernels: ", base::join(result.kernels, ", "))));
    summary_.add_result(result);
    if (network.opt_net && !plan_.are_trials) {
      summary_.add_certificate("certificate", run_.spec, *network.opt_net, place);
    }
    if (!result.stopped && !plan_.are_trials) write_pictures(run_.spec, run_.seed, dataset, run_.folder);
  }
  summary_.write(run_.folder.summary(), status);
  if (status_) status_->end(status);
  return outcome;
}

}  // namespace optdnn::experiment
