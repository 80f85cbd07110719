// The folder of one run, and what makes it that run:
//
//   runs/<config stem>/<row id>/seed-<n>/   resolved.yaml  metrics.jsonl  metrics.csv  summary.json  log.txt
//   checkpoints/
//
// A run is keyed by a hash of its resolved config; device and paths are no part of that. A folder with another hash
// belongs to another experiment and is refused.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "optdnn/experiment/table.h"

namespace optdnn::experiment {

struct RunFolder {
  std::filesystem::path path;
  std::filesystem::path resolved() const { return path / "resolved.yaml"; }
  std::filesystem::path summary() const { return path / "summary.json"; }
  std::filesystem::path checkpoints() const { return path / "checkpoints"; }
};

RunFolder run_folder(const std::filesystem::path& runs, const Table& table, const Row& row, uint64_t seed);

// The row's resolved config for one seed, every default written out; what resolved.yaml holds and what the hash is of.
config::Node resolved_run(const Row& row, uint64_t seed);
std::string config_hash(const config::Node& resolved);

// Makes the folder with its resolved.yaml, or finds both there. Errors: ConfigError naming the keys that differ if
// another experiment is there, EnvironmentError if the disk refuses.
void claim(const RunFolder& folder, const config::Node& resolved);

// Forgets what a run left behind, so that it begins anew whatever happens next.
void clear(const RunFolder& folder);

// The summary of a finished run with this hash, or null.
nlohmann::json finished_summary(const RunFolder& folder, const std::string& hash);

}  // namespace optdnn::experiment
