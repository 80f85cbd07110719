#include "optdnn/experiment/run_folder.h"

#include <ctime>

#include "optdnn/algorithms/catalogue.h"
#include "optdnn/base/files.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/config/merge.h"
#include "optdnn/experiment/earlier_runs.h"
#include "optdnn/experiment/same_place.h"

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

namespace {

const std::vector<std::string> kPlacesOfData = {"file", "train", "test"};  // of files of one's own

bool has_own_data(const config::Node& resolved) { return resolved.find_path("dataset.found") != nullptr; }

}  // namespace

config::Node identity_of(const config::Node& resolved) {
  if (!has_own_data(resolved)) return resolved;
  std::vector<config::Node::Entry> entries = resolved.entries();
  for (auto& entry : entries) {
    if (entry.key == "dataset") entry.value = config::without_keys(entry.value, kPlacesOfData);
  }
  return config::Node::map(std::move(entries));
}

std::string config_hash(const config::Node& resolved) {
  return base::sha256_hex(config::canonical_json(identity_of(resolved)));
}

ExperimentSpec stored_experiment(const fs::path& folder) {
  if (!fs::exists(folder / "resolved.yaml")) {
    throw base::ConfigError(folder.string() + " is no run's folder: it has no resolved.yaml",
                            "runs/<config>/<row>/seed-<n>");
  }
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
  const config::Node there = identity_of(experiment::resolved(stored_experiment(folder.path)));
  const config::Node here = identity_of(resolved);
  if (config::canonical_json(there) == config::canonical_json(here)) return;
  throw base::ConfigError(concat(folder.path.string(), " holds another experiment; it differs in ",
                                 differences_text(key_differences(there, here))),
                          "--fresh sets it aside and begins anew; --extend goes on if train.length alone grew; --name "
                          "NAME trains beside it");
}

void write_resolved(const RunFolder& folder, const config::Node& resolved) {
  if (fs::exists(folder.resolved())) return;
  base::make_folders(folder.checkpoints());
  base::write_file_atomically(folder.resolved(), resolved_text(folder, resolved));
}

std::string resolved_text(const RunFolder& folder, const config::Node& resolved) {
  base::Diagnostics none;
  config::Node told = resolved;
  const auto set = [&](const std::string& path, const std::string& value) {
    told = config::set_path(told, path, {}, config::dump(value), none);
  };
  const config::Node* name = resolved.find_path("algorithm.name");
  const algorithms::CatalogueRule* rule = name ? algorithms::find_rule(name->text()) : nullptr;
  if (rule) set("algorithm.equations", rule->equations);
  for (const std::string& key : kPlacesOfData) {
    const std::string path = concat("dataset.", key);
    const config::Node* place = has_own_data(resolved) ? resolved.find_path(path) : nullptr;
    std::error_code error;
    const fs::path relative = place && !place->is_null() ? fs::relative(place->text(), folder.path, error) : fs::path();
    if (!relative.empty()) set(path, relative.string());
  }
  return config::to_yaml(told);
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
