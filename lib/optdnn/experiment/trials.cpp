#include "optdnn/experiment/trials.h"

#include <set>

#include "optdnn/config/dump.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/read.h"
#include "optdnn/data/catalogue.h"
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

// The ends of every path's range must be values of the row. Choice: the others then are, too.
void check_values(const Row& row, const Node& place, base::Diagnostics& diagnostics) {
  for (const auto& [path, draw] : row.spec.search->space) {
    if (!has_path(row.spec, path)) continue;
    std::vector<Node> values = draw.values;
    if (const auto& range = draw.log ? draw.log : draw.uniform) {
      values = {config::dump(range->first), config::dump(range->second), draw.draw(row.spec.search->seed, path, 0)};
    }
    for (const Node& value : values) {
      base::Diagnostics found;
      with_values(row.spec, {{path, value}}, found);
      if (!found.has_errors()) continue;
      const Node* node = place.find("space");
      const Node::Entry* entry = node ? node->find_entry(path) : nullptr;
      diagnostics.error(entry ? entry->key_span : place.span(),
                        concat("row '", row.id, "': ", config::to_flow(value), " is no value of ", path, ": ",
                               found.all().front().message));
      break;
    }
  }
}

// A trial's length, and what its end is judged by.
void check_trial(const Row& row, const Node& place, base::Diagnostics& diagnostics) {
  const auto span_of = [&](const char* key) {
    const Node* node = place.find(key);
    return node ? node->span() : place.span();
  };
  base::Diagnostics found;
  with_values(as_trial(row.spec), {}, found);
  if (found.has_errors()) diagnostics.error(span_of("budget"), found.all().front().message);
  using enum Select;
  const Select select = row.spec.search->select;
  const data::DataShape shape = data::dataset_shape(row.spec.dataset);
  const bool of_regression = select == mse || select == l1 || select == sup_error, regression = shape.regression;
  if (select == loss || shape.outputs == 0 || of_regression == regression) return;
  diagnostics.error(
      span_of("select"),
      concat("row '", row.id, "' learns ", regression ? "numbers" : "classes", ", which have no ", name_of(select)),
      regression ? "valid/loss, valid/mse, valid/l1 or valid/sup_error"
                 : "valid/loss, valid/error_pct, valid/margin or valid/normalized_margin");
}

}  // namespace

void check_searches(const Table& table, base::Diagnostics& diagnostics) {
  std::set<std::string> had;
  for (const Row& row : table.rows) {
    if (!row.spec.search) continue;
    for (const auto& item : row.spec.search->space) {
      if (has_path(row.spec, item.first)) had.insert(item.first);
    }
  }
  for (const Row& row : table.rows) {
    if (!row.spec.search) continue;
    const Node* node = row.config.find("search");
    const Node place = node ? *node : row.config;
    if (!data::has_validation(row.spec.dataset)) {
      diagnostics.error(place.span(), concat("row '", row.id, "': a search chooses on a validation set"),
                        "dataset.validation: {fraction: 0.1}");
    }
    for (const auto& item : row.spec.search->space) {
      const Node* space = place.find("space");
      const Node::Entry* entry = space ? space->find_entry(item.first) : nullptr;
      if (had.contains(item.first)) continue;
      diagnostics.error(entry ? entry->key_span : place.span(), concat("no row has a key '", item.first, "'"),
                        "a dotted path as in --set, for instance optimizer.learning_rate");
    }
    check_values(row, place, diagnostics);
    check_trial(row, place, diagnostics);
  }
}

}  // namespace optdnn::experiment
