// One experiment, complete and typed: what a single config, or a row of a table, says.
#pragma once

#include <filesystem>
#include <memory>

#include "optdnn/baselines/catalogue.h"
#include "optdnn/config/reader.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/algorithm_spec.h"
#include "optdnn/experiment/compare_spec.h"
#include "optdnn/experiment/match_spec.h"
#include "optdnn/experiment/search_spec.h"
#include "optdnn/solvers/spec.h"
#include "optdnn/training/loss_spec.h"
#include "optdnn/training/optimizer_spec.h"
#include "optdnn/training/schedule.h"
#include "optdnn/training/train_spec.h"

namespace optdnn::experiment {

struct ExperimentSpec {
  static constexpr std::string_view kHelp =
      "an experiment: an algorithm over modules, or a baseline model, trained on a data set";

  data::DataSetSpec dataset;
  std::optional<AlgorithmSpec> algorithm;
  std::optional<baselines::ModelSpec> model;
  std::optional<modules::ModuleSpec> module;
  std::map<std::string, modules::ModuleSpec> modules;
  config::OneOrMany<int64_t> depth = 3;
  config::OneOrMany<int64_t> width = 16;
  std::optional<models::StemSpec> stem;
  models::TransitionSpec transition = models::ConvTransition{};
  std::optional<models::HeadSpec> head;
  models::InitSpec init;
  std::optional<MatchSpec> match;
  std::optional<solvers::SolverSpec> solver;
  std::optional<training::LossSpec> loss;
  training::OptimizerSpec optimizer;
  training::ScheduleSpec schedule;
  training::TrainSpec train;
  training::EvaluateSpec evaluate;
  std::vector<uint64_t> seeds = {0};
  std::optional<SearchSpec> search;
  std::optional<CompareSpec> compare;

  // That of `algorithm`, made when the experiment was read and shared by all copies (rule_of in network.h).
  std::shared_ptr<const algorithms::Rule> rule;

  template <class Fields>
  void fields(Fields& f) {
    f.required("dataset", dataset, "what is learnt: a data set or a task");
    f("algorithm", algorithm, "the rule whose run is the network; or give model");
    f("model", model,
      "a baseline that is no rule; then algorithm, module, depth, width, stem, transition and head stay away");
    f("module", module, "T: the same kind for every family of the rule");
    f("modules", modules, "one module per family of the rule, by name");
    f("depth", depth, config::between(1, 10000), "number of steps, or a list with one entry per stage");
    f("width", width, config::between(1, 65536), "channels of the state, or a list with one entry per stage");
    f("stem", stem, "from the input to the state (default: conv for images, identity or linear for vectors)");
    f("transition", transition, "between stages");
    f("head", head, "from the state to the outputs (default: pool_linear for images, linear for vectors)");
    f("init", init, "initial weights");
    f("match", match, "picks the widths of the stages");
    f("solver", solver, "finds the unknowns of an implicit rule (default: anderson); an explicit rule has none");
    f("loss", loss, "what is minimised (default: cross_entropy for classes, mse for a regression)");
    f("optimizer", optimizer, "trains the weights");
    f("schedule", schedule, "the step size over the run");
    f("train", train, "how long and in what precision");
    f("evaluate", evaluate, "how the test set is measured");
    f("seeds", seeds, config::not_empty(), "one run per seed");
    f("search", search, "values of the row that are chosen on its validation set first");
    f("compare", compare, "the row of the table this one stands beside in reports");
  }

  // What spans several keys: algorithm or model, stages that match, one module per family.
  void check(config::Checker& checker) const;
};

// Whether a seed of its runs is one that a search of its trains trials with.
bool reports_a_trial_seed(const ExperimentSpec& spec);

// Reads one experiment. Besides the fields it makes the rule once, so that its mistakes are reported too, and gives an
// implicit one a solver; that of an explicit one is dropped, and so is the choice of convolutions for vectors.
// Data of one's own are looked at, image folders below `data_root`. Errors: EnvironmentError if they cannot be read.
ExperimentSpec read_experiment(const config::Node& node, base::Diagnostics& diagnostics,
                               const std::filesystem::path& data_root = "data");

// The keys that describe a network which is the run of a rule, and so have no meaning beside `model`.
const std::vector<std::string>& algorithm_keys();

// What a run is: the complete tree, every default written out, without `search` and `compare`, which say how its
// values were found and what it is compared with.
config::Node resolved(const ExperimentSpec& spec);

// The same with `search`: what will be done.
config::Node shown(const ExperimentSpec& spec);

}  // namespace optdnn::experiment
