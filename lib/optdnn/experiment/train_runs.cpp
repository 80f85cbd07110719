#include "optdnn/experiment/train_runs.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/memory.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/status.h"
#include "optdnn/experiment/summary.h"
#include "optdnn/experiment/train_together.h"

namespace optdnn::experiment {

using base::concat;

namespace {

constexpr size_t kMostAtOnce = 32;  // Choice: runs in one network; bounds memory

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

// Why a process has no data for the row, where any has none: all know it then, and the first of them says why.
std::exception_ptr why_no_data(const Row& row, const world::World& world, DataSets& datasets) {
  std::exception_ptr own;
  std::string what;
  try {
    datasets.get(row.spec.dataset);
  } catch (const std::exception& error) {
    own = std::current_exception();
    what = error.what();
  }
  const torch::Tensor without = world.rows(torch::tensor({own ? 1 : 0}, torch::kInt64)).flatten();
  if (!without.any().item<bool>()) return nullptr;
  const auto first = without.argmax().item<int64_t>();
  if (own && world.rank() == first && !world.writes()) base::log_error(concat(row.id, ": ", what));
  if (own) return own;
  return std::make_exception_ptr(base::EnvironmentError(concat("rank ", first, " cannot read the data, and says why")));
}

}  // namespace

size_t runs_at_once(const Row& row, const RunOptions& options) {
  const bool together =
      !options.alone && row.spec.train.on_divergence.stops() && trains_as_one(row.spec, network_shape(row.spec));
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
  const auto fail = [&](const std::vector<size_t>& group, const std::exception_ptr& error) {
    for (const size_t number : group) {
      if (!plan.are_trials && world.writes()) mark_failed(plan.runs[number].folder.path / "status.json");
      held.erase(number);
      outcomes.push_back({Ended::failed, plan.runs[number].seed, error, number});
    }
  };
  if (!world.is_alone() && !waiting.all().empty()) {
    if (const auto error = why_no_data(row, world, datasets)) {
      for (const auto& group : waiting.all()) fail(group, error);
      return outcomes;
    }
  }
  for (const auto& group : waiting.all()) try {
      if (world.any(options.stop_requested && options.stop_requested())) break;
      const auto trained = train_in_memory(table, row, plan, group, options, datasets, held);
      outcomes.insert(outcomes.end(), trained.begin(), trained.end());
      for (const size_t number : group) held.erase(number);
    } catch (...) {
      if (!world.is_alone()) throw;  // nobody can know where the others stand
      fail(group, std::current_exception());
    }
  return outcomes;
}

}  // namespace optdnn::experiment
