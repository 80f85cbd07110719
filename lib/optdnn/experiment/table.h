// A config file as the runs it stands for: rows, each complete and typed, times their seeds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

struct Row {
  std::string id;  // "run" for a single experiment
  ExperimentSpec spec;
  config::Node config;  // as read and merged, for origins
  config::Node paper;   // published numbers; null if none are known. Never part of the run
};

struct Table {
  std::filesystem::path file;
  std::string title;  // empty for a single experiment
  std::string stem;   // names the folder under runs/: the file's stem, and a readable suffix per override
  std::vector<std::string> overrides;  // as given, "optimizer.learning_rate=0.05"
  std::vector<Row> rows;
};

// Reads every row and reports every mistake; rows with mistakes are left out.
Table read_table(const std::filesystem::path& file, const std::vector<std::string>& sets,
                 base::Diagnostics& diagnostics);

// Keeps the rows with these ids; empty keeps all. Errors: ConfigError for an id that is not there.
void select_rows(Table& table, const std::vector<std::string>& ids);

}  // namespace optdnn::experiment
