#include "optdnn/experiment/same_place.h"

#include <map>

#include "optdnn/base/files.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/log.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/claim_holder.h"
#include "optdnn/training/schedule.h"

namespace optdnn::experiment {

namespace fs = std::filesystem;
using base::concat;
using base::ConfigError;

namespace {

void flatten(const config::Node& node, const std::string& path, std::map<std::string, std::string>& values) {
  if (node.is_map()) {
    for (const auto& entry : node.entries())
      flatten(entry.value, path.empty() ? entry.key : path + "." + entry.key, values);
  } else {
    values[path] = config::canonical_json(node);
  }
}

bool in_fractions(const std::optional<training::Duration>& duration) { return duration && duration->fraction; }

// Why an iteration of a longer training would have other numbers; nothing where it has the same.
std::string depends_on_length(const ExperimentSpec& spec) {
  const std::string schedule = std::visit(
      [](const auto& s) -> std::string {
        using Schedule = std::decay_t<decltype(s)>;
        if constexpr (std::is_same_v<Schedule, training::StepSchedule>) {
          for (const training::Duration& milestone : s.milestones) {
            if (milestone.fraction) return "a milestone of its schedule is a fraction of the whole";
          }
        }
        if constexpr (std::is_same_v<Schedule, training::StepSchedule> ||
                      std::is_same_v<Schedule, training::ConstantSchedule>) {
          return in_fractions(s.warmup) ? "its warm-up is a fraction of the whole" : "";
        } else {
          return concat("its schedule '", Schedule::kName, "' is stretched over the whole");
        }
      },
      spec.schedule);
  if (!schedule.empty()) return schedule;
  for (const auto& every : {spec.evaluate.every, spec.train.log_every, spec.train.save_every}) {
    if (in_fractions(every)) return "evaluations, log points or checkpoints are fractions of the whole";
  }
  return "";
}

double amount(const training::Duration& length) {
  return length.epochs ? *length.epochs : static_cast<double>(length.iterations.value_or(0));
}

}  // namespace

std::vector<KeyDifference> key_differences(const config::Node& there, const config::Node& here) {
  std::map<std::string, std::string> before, now;
  flatten(there, "", before);
  flatten(here, "", now);
  std::vector<KeyDifference> keys;
  for (const auto& [key, value] : before) {
    const auto found = now.find(key);
    if (found == now.end()) {
      keys.push_back({key, value, std::nullopt});
    } else if (found->second != value) {
      keys.push_back({key, value, found->second});
    }
  }
  for (const auto& [key, value] : now) {
    if (!before.contains(key)) keys.push_back({key, std::nullopt, value});
  }
  return keys;
}

std::string differences_text(const std::vector<KeyDifference>& differences) {
  std::vector<std::string> texts;
  for (const auto& [key, there, here] : differences) {
    texts.push_back(!here    ? concat(key, " (only there)")
                    : !there ? concat(key, " (only here)")
                             : concat(key, " (there ", *there, ", here ", *here, ")"));
  }
  return base::join(texts, ", ");
}

void hold_stem(const fs::path& runs, const Table& table) {
  const fs::path folder = runs / table.stem, note = folder / "origin.json";
  std::error_code ignored;
  const std::string path = fs::weakly_canonical(fs::absolute(table.file), ignored).string(), host = this_process().host;
  const std::string sha256 = base::sha256_hex(base::read_file(table.file, 1 << 24));
  const nlohmann::ordered_json mine = {{"config", path}, {"host", host}, {"sha256", sha256}};
  const std::string text = base::json_text(mine);
  if (fs::exists(note)) {
    const std::string before = base::read_file(note, 1 << 16);
    if (before == text) return;
    const auto json = nlohmann::json::parse(before, nullptr, false);
    const auto noted = [&](const char* key) { return value_in(json, key, std::string()); };
    const std::string other = noted("config"), there = noted("host");
    const bool elsewhere = !there.empty() && there != host;
    const bool is_copy = noted("sha256") == sha256;  // which trains the same runs
    const bool is_other = !other.empty() && other != path && (elsewhere || fs::exists(other, ignored));
    if (is_other && is_copy && !elsewhere) return;
    if (is_other && !is_copy) {
      throw ConfigError(
          concat(folder.string(), " holds the runs of another config, ", other, elsewhere ? " on " + there : ""),
          concat("--name NAME gives those of ", table.file.string(), " another folder"));
    }
  }
  base::make_folders(folder);
  base::write_file_atomically(note, text);
}

void extend_run(const RunFolder& folder, const config::Node& resolved) {
  if (!fs::exists(folder.resolved())) return;
  const ExperimentSpec there = stored_experiment(folder.path);
  const auto differences = key_differences(identity_of(experiment::resolved(there)), identity_of(resolved));
  if (differences.empty()) return;
  const auto refuse = [&](const std::string& why) {
    throw ConfigError(concat("--extend: ", folder.path.string(), " cannot go on: ", why),
                      "--fresh begins anew, --name NAME trains beside it");
  };
  for (const KeyDifference& one : differences) {
    if (!one.key.starts_with("train.length.")) refuse(concat("it differs in ", differences_text(differences)));
  }
  base::Diagnostics ignored;
  const ExperimentSpec here = read_experiment(resolved, ignored);
  const auto &before = there.train.length, &after = here.train.length;
  if (before.epochs.has_value() != after.epochs.has_value()) refuse("the two lengths have different units");
  if (amount(after) <= amount(before)) refuse("its train.length is not longer");
  if (const std::string why = depends_on_length(here); !why.empty()) refuse(why);
  if (!fs::exists(folder.checkpoints())) refuse("its checkpoints are gone");
  auto summary = summary_of(folder);
  if (summary.is_object()) {
    summary["status"] = "stopped";
    base::write_file_atomically(folder.summary(), base::json_text(summary));
  }
  base::write_file_atomically(folder.resolved(), resolved_text(folder, resolved));
  base::open_log_file(folder.path / "log.txt");
  base::log_info(concat("extended: ", differences_text(differences)));
}

}  // namespace optdnn::experiment
