#include "optdnn/experiment/run_folder.h"

#include <map>

#include "optdnn/base/files.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/earlier_runs.h"

namespace optdnn::experiment {

namespace fs = std::filesystem;
using base::concat;

RunFolder run_folder(const fs::path& runs, const Table& table, const Row& row, uint64_t seed) {
  return {runs / table.stem / row.id / concat("seed-", seed)};
}

config::Node resolved_run(const Row& row, uint64_t seed) {
  ExperimentSpec spec = row.spec;
  spec.seeds = {seed};
  return resolved(spec);
}

std::string config_hash(const config::Node& resolved) { return base::sha256_hex(config::canonical_json(resolved)); }

namespace {

void flatten(const config::Node& node, const std::string& path, std::map<std::string, std::string>& values) {
  if (node.is_map()) {
    for (const auto& entry : node.entries())
      flatten(entry.value, path.empty() ? entry.key : path + "." + entry.key, values);
  } else {
    values[path] = config::canonical_json(node);
  }
}

// "depth (there 9, here 3), optimizer.momentum (only there)"
std::string differences(const config::Node& there, const config::Node& here) {
  std::map<std::string, std::string> before, now;
  flatten(there, "", before);
  flatten(here, "", now);
  std::vector<std::string> keys;
  for (const auto& [key, value] : before) {
    const auto found = now.find(key);
    if (found == now.end()) {
      keys.push_back(concat(key, " (only there)"));
    } else if (found->second != value) {
      keys.push_back(concat(key, " (there ", value, ", here ", found->second, ")"));
    }
  }
  for (const auto& [key, value] : now) {
    if (!before.contains(key)) keys.push_back(concat(key, " (only here)"));
  }
  return base::join(keys, ", ");
}

}  // namespace

void claim(const RunFolder& folder, const config::Node& resolved) {
  if (fs::exists(folder.resolved())) {
    base::Diagnostics diagnostics;
    const config::Node there = read_resolved(folder.resolved(), diagnostics);
    diagnostics.throw_if_errors();
    if (config_hash(there) == config_hash(resolved)) return;
    throw base::ConfigError(
        concat(folder.path.string(), " holds another experiment; it differs in ", differences(there, resolved)),
        "give --out another folder, or remove that one");
  }
  base::make_folders(folder.checkpoints());
  base::write_file_atomically(folder.resolved(), config::to_yaml(resolved));
}

void clear(const RunFolder& folder) {
  std::error_code ignored;
  fs::remove(folder.summary(), ignored);
  fs::remove_all(folder.checkpoints(), ignored);
  base::make_folders(folder.checkpoints());
}

nlohmann::json finished_summary(const RunFolder& folder, const std::string& hash) {
  if (!fs::exists(folder.summary())) return nullptr;
  const auto summary = nlohmann::json::parse(base::read_file(folder.summary(), 1 << 24), nullptr, false);
  if (!summary.is_object() || summary.value("config_hash", "") != hash) return nullptr;
  return summary.value("status", "") == "finished" ? summary : nlohmann::json(nullptr);
}

}  // namespace optdnn::experiment
