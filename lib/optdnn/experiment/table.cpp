#include "optdnn/experiment/table.h"

#include <fnmatch.h>

#include <algorithm>

#include "optdnn/base/files.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/read.h"
#include "optdnn/experiment/compare.h"
#include "optdnn/experiment/trials.h"

namespace optdnn::experiment {

namespace {

// A row that says one of these takes back what the defaults said of the others.
config::Displaced displaced_keys() {
  config::Displaced keys = {
      {"model", {"algorithm"}},
      {"algorithm", {"model"}},
      {"module", {"modules"}},
      {"modules", {"module"}},
      {"epochs", {"iterations", "fraction"}},
      {"iterations", {"epochs", "fraction"}},
      {"fraction", {"epochs", "iterations"}},
      {"value", {"sequence", "values", "repeat", "formula"}},
      {"sequence", {"value", "values", "repeat", "formula"}},
      {"values", {"value", "sequence", "formula", "repeat"}},
      {"formula", {"value", "sequence", "values", "repeat"}},
  };
  keys["model"].insert(keys["model"].end(), algorithm_keys().begin(), algorithm_keys().end());
  return keys;
}

// optimizer.learning_rate=0.05 -> "learning_rate=0.05"; what a folder's name cannot hold becomes "_".
std::string suffix_of(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  const size_t dot = assignment.rfind('.', equals);
  std::string suffix = assignment.substr(dot == std::string::npos ? 0 : dot + 1);
  std::erase_if(suffix, [](char c) { return c == ' '; });
  for (char& c : suffix) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && std::string_view("=.,+-_").find(c) == std::string_view::npos)
      c = '_';
  }
  return suffix;
}

}  // namespace

std::string stem_of(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  std::string stem = file.stem().string();
  for (const std::string& assignment : sets) stem += "+" + suffix_of(assignment);
  return base::short_name(stem);
}

std::vector<config::ExpandedRow> read_rows(const std::filesystem::path& file, const std::vector<std::string>& sets,
                                           std::string_view study, TableHead& head, base::Diagnostics& diagnostics) {
  head.file = file;
  head.stem = stem_of(file, sets);
  head.overrides = sets;
  const config::Node node = config::read_yaml_file(file, diagnostics);
  if (node.is_null()) return {};
  config::TableFile table = config::expand(node, sets, diagnostics, displaced_keys());
  head.title = table.table;
  const bool fits = study.empty() ? table.study.is_null() : table.study.text() == study;
  if (fits) return std::move(table.rows);
  if (study.empty()) {
    diagnostics.error(table.study.span(), "this table is a study, and its rows are no experiments",
                      "`optdnn converge` runs a study");
  } else {
    diagnostics.error(table.study.is_null() ? node.span() : table.study.span(), "this table is no convergence study",
                      base::concat("`study: ", study, "` at its top makes it one"));
  }
  return {};
}

namespace {

using Rows = std::vector<config::ExpandedRow>;

// The row of this id before any override; null if there is none.
const config::ExpandedRow* as_written(const std::filesystem::path& file, const std::string& id, Rows& written) {
  if (written.empty()) {
    TableHead ignored;
    base::Diagnostics heard_before;
    written = read_rows(file, {}, "", ignored, heard_before);
  }
  const auto found = std::find_if(written.begin(), written.end(), [&](const auto& row) { return row.id == id; });
  return found == written.end() ? nullptr : &*found;
}

}  // namespace

Table read_table(const std::filesystem::path& file, const std::vector<std::string>& sets,
                 base::Diagnostics& diagnostics, const std::filesystem::path& data_root,
                 const std::vector<std::string>& asked, bool searches) {
  Table table;
  Rows written;
  const auto stays_as_written = [&](const config::ExpandedRow& row) {
    if (sets.empty() || asked.empty() || is_asked(row.id, asked)) return false;
    base::Diagnostics mistakes;
    read_experiment(row.config, mistakes, data_root);
    return mistakes.has_errors();
  };
  for (const config::ExpandedRow& overridden : read_rows(file, sets, "", table, diagnostics)) {
    const auto* row = stays_as_written(overridden) ? as_written(file, overridden.id, written) : &overridden;
    if (!row) continue;
    const int errors = diagnostics.errors();
    ExperimentSpec spec = read_experiment(row->config, diagnostics, data_root);
    if (diagnostics.errors() > errors) continue;
    table.rows.push_back({row->id, std::move(spec), std::nullopt, row->config, row->paper, row->given});
  }
  if (diagnostics.has_errors()) return table;
  for (Row& row : table.rows) {
    if (row.spec.search && !searches) row.spec = as_chosen(std::move(row.spec));
  }
  resolve_searches(table, diagnostics);
  resolve_comparisons(table, diagnostics);
  return table;
}

void match_rows(Table& table, base::Diagnostics& diagnostics) {
  for (Row& row : table.rows) {
    if (!row.spec.match) continue;
    row.matched = match_widths(row.spec, row.id, row.config, diagnostics);
    // The widths come from there.
    row.config = config::merge(row.config, config::Node::map({{"width", {}, *row.config.find("match")}}));
  }
  std::erase_if(table.rows, [](const Row& row) { return row.spec.match.has_value(); });
}

bool is_asked(const std::string& id, const std::vector<std::string>& asked) {
  const auto means = [&](const std::string& name) {
    if (::fnmatch(name.c_str(), id.c_str(), 0) == 0) return true;
    if (!id.starts_with(name + "-")) return false;
    const std::string label = id.substr(name.size() + 1);  // of a sweep: "k=3-learning_rate=0.1"
    return label.find('=') < label.find('-');
  };
  return std::any_of(asked.begin(), asked.end(), means);
}

void check_asked(const std::filesystem::path& file, const std::vector<std::string>& ids,
                 const std::vector<std::string>& asked) {
  for (const std::string& name : asked) {
    if (std::any_of(ids.begin(), ids.end(), [&](const std::string& id) { return is_asked(id, {name}); })) continue;
    throw base::ConfigError(base::concat(file.string(), " has no row '", name, "'"),
                            base::suggestion(name, ids, "rows"));
  }
}

}  // namespace optdnn::experiment
