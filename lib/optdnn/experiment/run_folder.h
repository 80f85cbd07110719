// The folder of one run, and what makes it that run:
//
//   runs/<config stem>/<row id>/seed-<n>/   resolved.yaml  metrics.jsonl  metrics.csv  summary.json  log.txt
//   checkpoints/  claim-1 ...
//   runs/<config stem>/<row id>/search/   chosen.yaml  trial-<i>/seed-<n>/ (a run each)
//
// What makes a run that run is its config as today's program reads it: resolved.yaml, written with the first record or
// checkpoint, is read again and compared, so that a key which a version adds with a default refuses no older folder.
// Device and paths are no part of it. A folder of another experiment is refused.
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

// The resolved config for one seed, every default written out; what resolved.yaml holds and what the hash is of.
config::Node resolved_run(const ExperimentSpec& spec, uint64_t seed);
// Without the places of data of one's own, which count by their hashes.
config::Node identity_of(const config::Node& resolved);
std::string config_hash(const config::Node& resolved);

// What the folder's resolved.yaml means to today's program. Errors: ConfigError if it cannot be read any more.
ExperimentSpec stored_experiment(const std::filesystem::path& folder);

// Passes where no run has begun, or this one. Errors: ConfigError naming the keys that differ if another experiment is
// there, EnvironmentError if a checkpoint is there without its resolved.yaml.
void check_identity(const RunFolder& folder, const config::Node& resolved);

// What resolved.yaml holds: the equations of a rule of the catalogue, so that the file says what was run, and the
// places of data of one's own relative to the folder, so that all may be moved together.
std::string resolved_text(const RunFolder& folder, const config::Node& resolved);

// Unless it is there. Errors: EnvironmentError if the disk refuses.
void write_resolved(const RunFolder& folder, const config::Node& resolved);

// Moves all but the claims to <runs>/.old/<time>/..., so that a run begins anew. Errors: EnvironmentError.
void set_aside(const RunFolder& folder, const std::filesystem::path& runs, double unix_time_s);

// The summary of the folder's run, or null.
nlohmann::json summary_of(const RunFolder& folder);

// A text or a number of a file that somebody may have edited: `otherwise` where it is not there, or is of another kind.
template <class Value>
Value value_in(const nlohmann::json& json, const char* key, Value otherwise) {
  if (!json.is_object() || !json.contains(key)) return otherwise;
  const auto& value = json[key];
  if constexpr (std::is_same_v<Value, std::string>)
    return value.is_string() ? value.get<std::string>() : otherwise;
  else
    return value.is_number() ? value.get<Value>() : otherwise;
}

}  // namespace optdnn::experiment
