// A config file as the runs it stands for: rows, each complete and typed, times their seeds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "optdnn/config/table.h"
#include "optdnn/experiment/match.h"

namespace optdnn::experiment {

struct Row {
  std::string id;  // "run" for a single experiment
  ExperimentSpec spec;
  std::optional<Matched> matched;  // of match_rows
  config::Node config;             // as read and merged, for origins
  config::Node paper;              // published numbers; null if none are known. Never part of the run
  std::vector<config::Given> given;
};

// What tables of any kind have beside their rows.
struct TableHead {
  std::filesystem::path file;
  std::string title;  // empty for a single experiment
  std::string stem;   // names the folder under runs/: the file's stem, and a readable suffix per override
  std::vector<std::string> overrides;  // as given, "optimizer.learning_rate=0.05"
};

struct Table : TableHead {
  std::vector<Row> rows;
};

// The stem of a config under these overrides, "table_3+learning_rate=0.05".
std::string stem_of(const std::filesystem::path& file, const std::vector<std::string>& sets);

// The head of a table and its rows as they are written, of the kind that `study` names, of experiments where it is
// empty. A file of another kind is a mistake.
std::vector<config::ExpandedRow> read_rows(const std::filesystem::path& file, const std::vector<std::string>& sets,
                                           std::string_view study, TableHead& head, base::Diagnostics& diagnostics);

// Whether one of `asked` means the row: by its id, by a pattern with * and ?, or by the id that a sweep has in the
// file, which means all its rows.
bool is_asked(const std::string& id, const std::vector<std::string>& asked);

// Reads every row and reports every mistake but those of `match`; rows with mistakes are left out. Where `asked` means
// some rows, others that an override is wrong for stay as they are written: they may be what those are compared with.
// Without `searches` rows have the values they are written with.
Table read_table(const std::filesystem::path& file, const std::vector<std::string>& sets,
                 base::Diagnostics& diagnostics, const std::filesystem::path& data_root = "data",
                 const std::vector<std::string>& asked = {}, bool searches = true);

// Widths for the rows that ask for those that match a cost; rows for which there are none are left out.
void match_rows(Table& table, base::Diagnostics& diagnostics);

// Errors: ConfigError for one of `asked` that means none of the file's rows.
void check_asked(const std::filesystem::path& file, const std::vector<std::string>& ids,
                 const std::vector<std::string>& asked);

// Keeps the rows that are asked for, of a table of any kind; empty keeps all. Errors: ConfigError for one that is not
// there.
template <class AnyTable>
void select_rows(AnyTable& table, const std::vector<std::string>& asked) {
  if (asked.empty()) return;
  std::vector<std::string> ids;
  for (const auto& row : table.rows) ids.push_back(row.id);
  check_asked(table.file, ids, asked);
  std::erase_if(table.rows, [&](const auto& row) { return !is_asked(row.id, asked); });
}

}  // namespace optdnn::experiment
