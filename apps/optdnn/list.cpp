// optdnn list KIND: every catalogue, with a line on each entry; `keys` and `study_keys` explain every key of
// a config and of a study.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/algorithms/catalogue.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/config/help.h"
#include "optdnn/config/schema.h"
#include "optdnn/experiment/study.h"

namespace optdnn::app {

namespace {

struct Entry {
  std::string name, help;
  std::string source = {};  // of a rule
};
using Entries = std::vector<Entry>;

Entries algorithm_entries() {
  Entries entries;
  for (const auto& rule : algorithms::catalogue()) entries.push_back({rule.name, rule.help, rule.source});
  return entries;
}

template <class Variant>
Entries alternatives() {
  Entries entries;
  config::for_each_alternative<Variant>([&](const auto& alternative) {
    using Alternative = std::decay_t<decltype(alternative)>;
    entries.push_back({std::string(Alternative::kName), std::string(Alternative::kHelp)});
  });
  return entries;
}

template <class Enum>
Entries values() {
  Entries entries;
  for (const auto& entry : enum_names(Enum{}).entries())
    entries.push_back({std::string(entry.name), std::string(entry.help)});
  return entries;
}

const std::vector<base::NamedEntry<Entries (*)()>>& kinds() {
  static const std::vector<base::NamedEntry<Entries (*)()>> table = {
      {"algorithms", "forward update rules", algorithm_entries},
      {"modules", "stand-ins T for a gradient", alternatives<modules::ModuleSpec>},
      {"models", "baselines that are no rule", alternatives<baselines::ModelSpec>},
      {"solvers", "what finds the unknowns of an implicit rule", alternatives<solvers::SolverSpec>},
      {"gradients", "how they pass through a solution", alternatives<solvers::GradientSpec>},
      {"datasets", "data sets and tasks", alternatives<data::DataSetSpec>},
      {"optimizers", "what trains the weights", alternatives<training::OptimizerSpec>},
      {"schedules", "the learning rate over the run", alternatives<training::ScheduleSpec>},
      {"losses", "what is minimised", alternatives<training::LossSpec>},
      {"stems", "from the input to the state", alternatives<models::StemSpec>},
      {"transitions", "between stages", alternatives<models::TransitionSpec>},
      {"heads", "from the state to the outputs", alternatives<models::HeadSpec>},
      {"activations", "inside a module", values<modules::Activation>},
      {"norms", "inside a module", values<modules::NormKind>},
      {"vector_fields", "stand-ins for a module in a convergence study", values<algorithms::VectorField>},
      {"precisions", "number types of training", values<training::Precision>},
  };
  return table;
}

// What explains the keys of a kind of file.
struct KeyPage {
  std::string_view kind;
  std::string (*text)();
  std::string (*text_on)(const std::string& path);
  nlohmann::json (*schema)();
};
constexpr KeyPage kKeyPages[] = {
    {"keys", config::help<experiment::ExperimentSpec>, config::help_on<experiment::ExperimentSpec>,
     config::json_schema<experiment::ExperimentSpec>},
    {"study_keys", config::help<experiment::StudySpec>, config::help_on<experiment::StudySpec>,
     config::json_schema<experiment::StudySpec>},
};

Entries entries_of(const std::string& kind) {
  std::vector<std::string> names;
  for (const auto& entry : kinds()) {
    if (entry.name == kind) return entry.value();
    names.emplace_back(entry.name);
  }
  for (const KeyPage& page : kKeyPages) names.emplace_back(page.kind);
  throw base::ConfigError("unknown kind '" + kind + "'", base::suggestion(kind, names, "kinds"));
}

void list(const std::string& kind, const std::string& path, bool json) {
  for (const KeyPage& page : kKeyPages) {
    if (kind != page.kind) continue;
    const std::string text = path.empty() ? page.text() : page.text_on(path);
    return void(std::cout << (json ? base::json_text(page.schema()) : text));
  }
  if (!path.empty())
    throw base::ConfigError("'" + path + "': only keys have a path", "optdnn list keys optimizer.adam");
  const Entries entries = entries_of(kind);
  if (json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& [name, help, source] : entries) {
      auto& item = list.emplace_back(nlohmann::ordered_json{{"name", name}, {"help", help}});
      if (!source.empty()) item["source"] = source;
    }
    std::cout << base::json_text(list);
    return;
  }
  base::TextTable table({kind, ""});
  for (const auto& [name, help, source] : entries) {
    table.add({name, help});
    if (!source.empty()) table.add({"", "  " + source});
  }
  std::cout << table.text();
}

}  // namespace

void add_list(CLI::App& app, int& status) {
  struct Options {
    std::string kind, path;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  std::string help = "keys, study_keys";
  for (const auto& entry : kinds()) help += ", " + std::string(entry.name);
  app.add_option("KIND", options->kind, help)->required();
  app.add_option("PATH", options->path, "of keys: only what lies below this one, as optimizer.adam");
  app.add_flag("--json", options->json, "print JSON; for keys the JSON schema that editors read");
  app.callback([options, &status] {
    list(options->kind, options->path, options->json);
    status = 0;
  });
}

}  // namespace optdnn::app
