// The YAML key `search`: values that are chosen on the validation set before a row is trained.
//   search: {trials: 32, space: {optimizer.learning_rate: {log: [1.0e-3, 0.3]}, module.hidden: [8, 16, 32]}}
// Draw i of a path is a function of (seed, path, i) alone, so all rows of a block see the same draws, and a longer
// search begins with the draws of a shorter one.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "optdnn/config/reader.h"
#include "optdnn/training/duration.h"

namespace optdnn::experiment {

// Written as {log: [a, b]}, {uniform: [a, b]} (real numbers) or [values].
struct DrawSpec {
  std::optional<std::pair<double, double>> log, uniform;
  std::vector<config::Node> values;

  template <class Fields>
  void fields(Fields& f) {
    f("log", log, config::above(0), "[low, high]: uniform in the logarithm");
    f("uniform", uniform, "[low, high]");
  }

  // Choice: real numbers are rounded to four digits. Of a list of n values any n draws from a multiple of n on see each
  // once.
  config::Node draw(uint64_t seed, const std::string& path, int64_t i) const;
};
void read_value(config::Reader& reader, const config::Node& node, DrawSpec& spec);
config::Node dump_value(const DrawSpec& spec);
nlohmann::json schema_value(const DrawSpec&);
std::string type_text(const DrawSpec&);

enum class Select { loss, error_pct, mse, l1, sup_error, margin, normalized_margin };
const base::NameTable<Select>& enum_names(Select);
std::string name_of(Select select);  // "valid/loss"
// Whether more of it is better.
bool is_gain(Select select);

struct SearchBudget {
  static constexpr std::string_view kHelp = "what a trial costs";
  std::optional<training::Duration> length;
  template <class Fields>
  void fields(Fields& f) {
    f("length", length, "of a trial; default: the row's train.length");
  }
};

struct SearchSpec {
  static constexpr std::string_view kHelp = "values chosen on the validation set before the row is trained";
  int64_t trials = 32;
  uint64_t seed = 0;
  Select select = Select::loss;
  SearchBudget budget;
  std::map<std::string, DrawSpec> space;

  template <class Fields>
  void fields(Fields& f) {
    f("trials", trials, config::between(1, 10000), "how many draws are tried");
    f("seed", seed, config::between(0, 1e6), "of the draws; trials train with seeds that are never reported ones");
    f("select", select, "what is chosen by, at a trial's end");
    f("budget", budget, "length of a trial");
    f.required("space", space, config::not_empty(),
               "by dotted path: {log: [a, b]}, {uniform: [a, b]} or [values]; a row skips paths that it lacks");
  }
};

// The best trials are trained again, each on other seeds.
inline constexpr int64_t kConfirmedTrials = 3, kConfirmingSeeds = 3;

// Trainings of a whole search.
inline int64_t trainings_of(const SearchSpec& spec) {
  return spec.trials + std::min(spec.trials, kConfirmedTrials) * kConfirmingSeeds;
}

// Seeds of trials: 0 screens all, 1 to kConfirmingSeeds confirm the best. Reported seeds are below all of these.
inline constexpr uint64_t kFirstTrialSeed = 1'000'000'000;
inline uint64_t trial_seed(const SearchSpec& spec, uint64_t which) { return kFirstTrialSeed + 4 * spec.seed + which; }

}  // namespace optdnn::experiment
