#include "optdnn/experiment/run_folder.h"

#include <ctime>
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

config::Node resolved_run(const ExperimentSpec& spec, uint64_t seed) {
  ExperimentSpec one = spec;
  one.seeds = {seed};
  return resolved(one);
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

ExperimentSpec stored_experiment(const fs::path& folder) {
  base::Diagnostics diagnostics;
  const config::Node node = read_resolved(folder / "resolved.yaml", diagnostics);
  diagnostics.throw_if_errors();
  ExperimentSpec spec = read_experiment(node, diagnostics);
  diagnostics.throw_if_errors();
  return spec;
}

void check_identity(const RunFolder& folder, const config::Node& resolved) {
  if (!fs::exists(folder.resolved())) {
    if (!fs::exists(folder.checkpoints() / "state.safetensors")) return;
    throw base::EnvironmentError(concat(folder.path.string(), " holds a checkpoint without its resolved.yaml"),
                                 "--fresh sets it aside and begins anew");
  }
  const config::Node there = experiment::resolved(stored_experiment(folder.path));
  if (config::canonical_json(there) == config::canonical_json(resolved)) return;
  throw base::ConfigError(
      concat(folder.path.string(), " holds another experiment; it differs in ", differences(there, resolved)),
      "give --out another folder, or --fresh to set that one aside");
}

void write_resolved(const RunFolder& folder, const config::Node& resolved) {
  if (fs::exists(folder.resolved())) return;
  base::make_folders(folder.checkpoints());
  base::write_file_atomically(folder.resolved(), config::to_yaml(resolved));
}

void set_aside(const RunFolder& folder, const fs::path& runs, double unix_time_s) {
  const auto seconds = static_cast<std::time_t>(unix_time_s);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char time[32];
  std::strftime(time, sizeof(time), "%Y-%m-%dT%H-%M-%SZ", &utc);
  fs::path aside = runs / ".old" / time / fs::relative(folder.path, runs);
  for (int i = 2; fs::exists(aside); ++i)
    aside = runs / ".old" / concat(time, "-", i) / fs::relative(folder.path, runs);

  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(folder.path)) {
    if (!entry.path().filename().string().starts_with("claim-")) left.push_back(entry.path());
  }
  if (left.empty()) return;
  base::make_folders(aside);
  for (const fs::path& path : left) {
    std::error_code error;
    fs::rename(path, aside / path.filename(), error);
    if (error) throw base::EnvironmentError(concat("cannot set ", path.string(), " aside: ", error.message()));
  }
}

nlohmann::json summary_of(const RunFolder& folder) {
  if (!fs::exists(folder.summary())) return nullptr;
  auto summary = nlohmann::json::parse(base::read_file(folder.summary(), 1 << 24), nullptr, false);
  return summary.is_object() ? summary : nlohmann::json(nullptr);
}

}  // namespace optdnn::experiment
