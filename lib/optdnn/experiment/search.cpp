#include "optdnn/experiment/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "optdnn/base/files.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/config/read.h"
#include "optdnn/experiment/train_runs.h"
#include "optdnn/experiment/trials.h"

namespace optdnn::experiment {

namespace {

using base::concat;
using config::Node;
namespace fs = std::filesystem;

constexpr double kWorst = std::numeric_limits<double>::infinity();

struct Trial {
  int64_t number;
  SearchedValues values;
  ExperimentSpec spec;
};

class Search {
 public:
  Search(const Table& table, const Row& row, const RunOptions& options, DataSets& datasets)
      : table_(table),
        row_(row),
        options_(options),
        datasets_(datasets),
        folder_(options.out / table.stem / row.id / "search") {
    const ExperimentSpec plain = [&] {
      ExperimentSpec spec = row.spec;
      spec.seeds = {0};
      return spec;
    }();
    key_ = base::sha256_hex(config::canonical_json(
        Node::map({{"search", {}, config::dump(*row.spec.search)}, {"experiment", {}, resolved(plain)}})));
    for (int64_t i = 0; i < row.spec.search->trials; ++i) {
      base::Diagnostics diagnostics;
      const SearchedValues values = draw_values(row.spec, i);
      trials_.push_back({i, values, as_trial(with_values(row.spec, values, diagnostics))});
      diagnostics.throw_if_errors();
    }
  }

  std::optional<SearchResult> run() {
    if (fs::exists(folder_ / "chosen.yaml") && options_.resume) return read_choice();
    std::vector<size_t> all(trials_.size());
    std::iota(all.begin(), all.end(), 0);
    if (!train(all, {trial_seed(spec(), 0)}, concat(", search, ", all.size(), " trials"))) return std::nullopt;
    std::vector<double> screened;
    for (const size_t i : all) screened.push_back(mean_score(i, {trial_seed(spec(), 0)}));
    const std::vector<size_t> best = best_of(all, screened);
    std::vector<uint64_t> seeds;
    for (uint64_t s = 1; s <= kConfirmingSeeds; ++s) seeds.push_back(trial_seed(spec(), s));
    if (!train(best, seeds, concat(", search, the best ", best.size(), " again"))) return std::nullopt;
    std::vector<double> confirmed;
    for (const size_t i : best) confirmed.push_back(mean_score(i, seeds));
    const auto winner = std::min_element(confirmed.begin(), confirmed.end()) - confirmed.begin();
    if (confirmed[winner] == kWorst) throw base::DivergedError(concat("row '", row_.id, "': every trial diverged"));
    write_choice(best[winner], screened[best[winner]], confirmed[winner]);
    return read_choice();
  }

 private:
  const SearchSpec& spec() const { return *row_.spec.search; }
  std::string metric() const { return name_of(spec().select); }

  RunFolder folder_of(size_t trial, uint64_t seed) const {
    return {folder_ / concat("trial-", trial) / concat("seed-", seed)};
  }

  // The summary of a trial that ended, well or not; null before.
  nlohmann::json ended(size_t trial, uint64_t seed) const {
    const RunFolder folder = folder_of(trial, seed);
    if (!fs::exists(folder.resolved())) return nullptr;
    check_identity(folder, resolved_run(trials_[trial].spec, seed));
    const auto summary = summary_of(folder);
    if (!summary.is_object()) return nullptr;
    const std::string status = value_in<std::string>(summary, "status", "");
    return status == "finished" || status == "diverged" ? summary : nlohmann::json(nullptr);
  }

  // Returns false if a signal stopped it.
  bool train(const std::vector<size_t>& trials, const std::vector<uint64_t>& seeds, const std::string& what) {
    RunPlan plan;
    plan.label = concat(options_.place, options_.place.empty() ? "" : ", ", row_.id, what);
    plan.are_trials = true;
    plan.constants = searched_constants(row_.spec);
    for (const size_t trial : trials) {
      for (const uint64_t seed : seeds) {
        if (!options_.resume || ended(trial, seed).is_null()) {
          plan.runs.push_back({trials_[trial].spec, seed, folder_of(trial, seed)});
        }
      }
    }
    for (const RunOutcome& outcome : train_runs(table_, row_, plan, options_, datasets_)) {
      if (outcome.status == RunOutcome::Status::stopped) return false;
      if (outcome.status == RunOutcome::Status::failed) pass_if_diverged(outcome.error);
      if (outcome.status == RunOutcome::Status::elsewhere) std::rethrow_exception(outcome.error);
    }
    return !(options_.stop_requested && options_.stop_requested());
  }

  static void pass_if_diverged(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const base::DivergedError&) {
      return;
    }
  }

  // Smaller is better; a trial that is not finite ranks last.
  double score(size_t trial, uint64_t seed) const {
    const nlohmann::json summary = ended(trial, seed);
    if (!summary.is_object() || !summary.contains("last") || !summary["last"].is_object()) return kWorst;
    const auto found = summary["last"].find(metric());
    if (found == summary["last"].end() || !found->is_number()) return kWorst;
    const auto value = found->get<double>();
    return std::isfinite(value) ? (is_gain(spec().select) ? -value : value) : kWorst;
  }

  double mean_score(size_t trial, const std::vector<uint64_t>& seeds) const {
    double sum = 0;
    for (const uint64_t seed : seeds) sum += score(trial, seed);
    return sum / static_cast<double>(seeds.size());
  }

  // At most kConfirmedTrials, the best first, of equal ones the first.
  static std::vector<size_t> best_of(std::vector<size_t> trials, const std::vector<double>& scores) {
    std::stable_sort(trials.begin(), trials.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
    trials.resize(std::min(trials.size(), size_t{kConfirmedTrials}));
    return trials;
  }

  Node number(double score) const { return config::dump(is_gain(spec().select) ? -score : score); }

  static Node values_of(const Trial& trial) {
    std::vector<Node::Entry> values;
    for (const auto& [path, value] : trial.values) values.push_back({path, {}, value});
    return Node::map(std::move(values));
  }

  void write_choice(size_t trial, double screened, double confirmed) const {
    const Node choice = Node::map({{"search", {}, Node::scalar(key_, Node::Style::quoted)},
                                   {"trials", {}, config::dump(spec().trials)},
                                   {"trial", {}, config::dump(trials_[trial].number)},
                                   {"select", {}, config::dump(spec().select)},
                                   {"screened", {}, number(screened)},
                                   {"confirmed", {}, number(confirmed)},
                                   {"values", {}, values_of(trials_[trial])}});
    base::make_folders(folder_);
    base::write_file_atomically(folder_ / "chosen.yaml", config::to_yaml(choice));
  }

  SearchResult read_choice() const {
    base::Diagnostics diagnostics;
    const fs::path path = folder_ / "chosen.yaml";
    const Node choice = config::read_yaml_file(path, diagnostics);
    diagnostics.throw_if_errors();
    const Node *key = choice.find("search"), *number = choice.find("trial"), *values = choice.find("values");
    if (!key || !number || !values)
      throw base::EnvironmentError(path.string() + " is damaged: a search writes more", "remove it; trials are kept");
    if (key->text() != key_) {
      throw base::ConfigError(concat(path.string(), " is the choice of another search, or of another experiment"),
                              "give --out another folder, begin anew with --fresh, or remove that one");
    }
    const auto trial = std::find_if(trials_.begin(), trials_.end(),
                                    [&](const Trial& one) { return number->text() == std::to_string(one.number); });
    if (trial == trials_.end() || config::canonical_json(*values) != config::canonical_json(values_of(*trial))) {
      throw base::EnvironmentError(path.string() + " is damaged: its values are those of no trial",
                                   "remove it; trials are kept. Other values are given with --set");
    }
    base::Diagnostics ignored;  // the constructor has heard of them
    nlohmann::ordered_json summary = {{"trials", spec().trials}, {"trial", trial->number}, {"select", metric()}};
    for (const char* name : {"screened", "confirmed"}) {
      if (const Node* value = choice.find(name)) summary[name] = config::to_json(*value);
    }
    summary["values"] = nlohmann::ordered_json::object();
    for (const auto& [where, value] : trial->values) summary["values"][where] = config::to_json(value);
    return {as_chosen(with_values(row_.spec, trial->values, ignored)), summary};
  }

  const Table& table_;
  const Row& row_;
  const RunOptions& options_;
  DataSets& datasets_;
  fs::path folder_;
  std::string key_;
  std::vector<Trial> trials_;
};

}  // namespace

std::optional<SearchResult> search(const Table& table, const Row& row, const RunOptions& options, DataSets& datasets) {
  return Search(table, row, options, datasets).run();
}

}  // namespace optdnn::experiment
