#include "optdnn/experiment/trials.h"

#include <set>

#include "optdnn/config/dump.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/read.h"
#include "optdnn/config/sweep.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/compare.h"
#include "optdnn/experiment/network.h"

namespace optdnn::experiment {

using base::concat;
using config::Node;

namespace {

constexpr std::string_view kCoefficients = "algorithm.coefficients.";

// "algorithm.coefficients.theta" and "algorithm.coefficients.theta.value" -> "theta"; nothing for other paths.
std::optional<std::string> coefficient_of(const std::string& path) {
  if (!path.starts_with(kCoefficients)) return std::nullopt;
  std::string name = path.substr(kCoefficients.size());
  if (name.ends_with(".value")) name.resize(name.size() - std::string_view(".value").size());
  return name.find('.') == std::string::npos ? std::optional(name) : std::nullopt;
}

}  // namespace

bool has_path(const ExperimentSpec& spec, const std::string& path) {
  if (resolved(spec).find_path(path)) return true;
  const auto name = coefficient_of(path);
  if (!name || !spec.algorithm) return false;
  const algorithms::Rule rule = *rule_of(spec);
  return std::any_of(rule.coefficients().begin(), rule.coefficients().end(),
                     [&](const auto& coefficient) { return coefficient.name == *name; });
}

SearchedValues draw_values(const ExperimentSpec& spec, int64_t i) {
  SearchedValues values;
  for (const auto& [path, draw] : spec.search->space) {
    if (has_path(spec, path)) values[path] = draw.draw(spec.search->seed, path, i);
  }
  return values;
}

std::vector<std::pair<std::string, Node>> extreme_values(const ExperimentSpec& spec) {
  std::vector<std::pair<std::string, Node>> values;
  for (const auto& [path, draw] : spec.search->space) {
    if (!has_path(spec, path)) continue;
    if (const auto& range = draw.log ? draw.log : draw.uniform) {
      values.emplace_back(path, config::dump(range->first));
      values.emplace_back(path, config::dump(range->second));
      values.emplace_back(path, draw.draw(spec.search->seed, path, 0));
    }
    for (const Node& value : draw.values) values.emplace_back(path, value);
  }
  return values;
}

base::SourceSpan place_of_search(const Row& row, const std::string& path) {
  const Node* search = row.config.find("search");
  if (!search) return row.config.span();
  const Node* space = search->find("space");
  const Node::Entry* entry = space ? space->find_entry(path) : nullptr;
  return entry ? entry->key_span : search->span();
}

ExperimentSpec with_values(const ExperimentSpec& spec, const SearchedValues& values, base::Diagnostics& diagnostics) {
  Node tree = resolved(spec);
  for (const auto& [path, value] : values) tree = config::set_path(tree, path, {}, value, diagnostics);
  // By way of the text, so that a rule's equations have their places.
  const auto text = std::make_shared<const base::SourceText>(base::SourceText{"search", config::to_yaml(tree)});
  ExperimentSpec changed = read_experiment(config::read_yaml(text, diagnostics), diagnostics);
  changed.search = spec.search;
  changed.compare = spec.compare;
  return changed;
}

ExperimentSpec as_trial(ExperimentSpec spec) {
  if (spec.search->budget.length) spec.train.length = *spec.search->budget.length;
  spec.evaluate.every = training::Duration{{}, {}, 1.0};
  spec.evaluate.margins = is_gain(spec.search->select);
  spec.train.keep_best = false;
  return spec;
}

ExperimentSpec as_chosen(ExperimentSpec spec) {
  std::visit([](auto& dataset) { dataset.validation.reset(); }, spec.dataset);
  spec.train.keep_best = false;
  spec.search.reset();
  return spec;
}

std::set<std::string> searched_constants(const ExperimentSpec& spec) {
  std::set<std::string> names;
  if (!spec.search || !spec.algorithm) return names;
  for (const auto& item : spec.search->space) {
    const auto name = coefficient_of(item.first);
    if (!name || !has_path(spec, item.first)) continue;
    const auto given = spec.algorithm->coefficients.find(*name);
    const bool is_learned = given != spec.algorithm->coefficients.end() && given->second.learn != algorithms::Learn::no;
    if (!is_learned) names.insert(*name);
  }
  return names;
}

namespace {

// Whether a search of `path` would replace what was given, or a part of it.
bool would_replace(std::string path, const config::Given& given) {
  if (coefficient_of(path) && path.ends_with(".value")) path.resize(path.rfind('.'));
  if (!config::paths_overlap(path, given.path)) return false;
  return path.size() <= given.path.size() || given.value.find_path(path.substr(given.path.size() + 1)) != nullptr;
}

constexpr std::string_view kNotSearched[] = {"seeds", "evaluate", "match", "compare", "search", "dataset.validation"};

void leave_overrides(Row& row) {
  if (!row.spec.search) return;
  auto& space = row.spec.search->space;
  for (const config::Given& given : row.given) {
    if (given.is_override) std::erase_if(space, [&](const auto& item) { return would_replace(item.first, given); });
  }
  if (space.empty()) row.spec = as_chosen(std::move(row.spec));
}

// Refuses paths that the file sweeps, and those of what a search is judged by.
void check_paths(const Row& row, base::Diagnostics& diagnostics) {
  for (const auto& item : row.spec.search->space) {
    const std::string& path = item.first;
    for (const config::Given& given : row.given) {
      if (!has_path(row.spec, path) || !would_replace(path, given)) continue;
      diagnostics.error(place_of_search(row, path),
                        concat("the search would replace '", given.path, "', which is given at ", given.place.text()),
                        "search it or give it, not both");
      return;
    }
    for (const std::string_view key : kNotSearched) {
      if (!config::paths_overlap(path, key)) continue;
      diagnostics.error(place_of_search(row, path), concat("'", path, "' is nothing that a search can choose"));
    }
  }
}

void check_values(const Row& row, base::Diagnostics& diagnostics) {
  std::set<std::string> refused;
  for (const auto& [path, value] : extreme_values(row.spec)) {
    if (refused.contains(path)) continue;
    base::Diagnostics found;
    const ExperimentSpec changed = with_values(row.spec, {{path, value}}, found);
    std::string why = found.has_errors() ? concat("is no value of ", path, ": ", found.all().front().message) : "";
    if (why.empty() && task_of(changed) != task_of(row.spec)) why = concat("at ", path, " is another data set");
    if (why.empty()) continue;
    diagnostics.error(place_of_search(row, path), concat("row '", row.id, "': ", config::to_flow(value), " ", why));
    refused.insert(path);
  }
}

// A trial's length, and what its end is judged by.
void check_trial(const Row& row, const Node& search, base::Diagnostics& diagnostics) {
  base::Diagnostics found;
  with_values(as_trial(row.spec), {}, found);
  if (found.has_errors()) diagnostics.error(search.span_of("budget"), found.all().front().message);
  using enum Select;
  const Select select = row.spec.search->select;
  const data::DataShape shape = data::dataset_shape(row.spec.dataset);
  const bool of_regression = select == mse || select == l1 || select == sup_error, regression = shape.regression;
  if (select == loss || shape.outputs == 0 || of_regression == regression) return;
  diagnostics.error(
      search.span_of("select"),
      concat("row '", row.id, "' learns ", regression ? "numbers" : "classes", ", which have no ", name_of(select)),
      regression ? "valid/loss, valid/mse, valid/l1 or valid/sup_error"
                 : "valid/loss, valid/error_pct, valid/margin or valid/normalized_margin");
}

}  // namespace

void resolve_searches(Table& table, base::Diagnostics& diagnostics) {
  std::set<std::string> had;
  for (const Row& row : table.rows) {
    if (!row.spec.search) continue;
    for (const auto& item : row.spec.search->space) {
      if (has_path(row.spec, item.first)) had.insert(item.first);
    }
  }
  for (Row& row : table.rows) leave_overrides(row);
  for (const Row& row : table.rows) {
    if (!row.spec.search) continue;
    const Node* node = row.config.find("search");
    check_paths(row, diagnostics);
    if (!data::has_validation(row.spec.dataset)) {
      diagnostics.error(place_of_search(row), concat("row '", row.id, "': a search chooses on a validation set"),
                        "dataset.validation: {fraction: 0.1}");
    }
    for (const auto& item : row.spec.search->space) {
      if (had.contains(item.first)) continue;
      diagnostics.error(place_of_search(row, item.first), concat("no row has a key '", item.first, "'"),
                        "a dotted path as in --set, for instance optimizer.learning_rate");
    }
    check_values(row, diagnostics);
    check_trial(row, node ? *node : row.config, diagnostics);
  }
}

}  // namespace optdnn::experiment
