// optdnn runs [FOLDERS]: what every run is doing. runs diff A B: where two runs differ. runs clean: what can go.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <thread>

#include "command.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/find_runs.h"
#include "optdnn/experiment/run_folder.h"
#include "optdnn/experiment/same_place.h"
#include "optdnn/experiment/status.h"
#include "readable.h"
#include "signals.h"

namespace optdnn::app {

namespace fs = std::filesystem;

namespace {

using experiment::RunListing;

const std::vector<std::string> kStates = {"running", "silent", "dead", "stopped", "finished", "diverged", "failed"};

struct RunsCommandOptions {
  std::vector<std::string> folders = {"runs"};
  std::vector<std::string> states;
  bool watch = false, json = false, yes = false;
  std::string a, b;
};

std::vector<fs::path> paths_of(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

std::vector<RunListing> listings(const RunsCommandOptions& options) {
  std::vector<RunListing> runs;
  for (const fs::path& folder : experiment::find_runs(paths_of(options.folders))) {
    RunListing run = experiment::list_run(folder, unix_time_s());
    const bool wanted = options.states.empty() ||
                        std::find(options.states.begin(), options.states.end(), run.state) != options.states.end();
    if (wanted) runs.push_back(std::move(run));
  }
  return runs;
}

nlohmann::ordered_json listing_json(const RunListing& run) {
  nlohmann::ordered_json json = {{"run", run.folder.string()},
                                 {"state", run.state},
                                 {"iteration", run.iteration},
                                 {"iterations", run.iterations},
                                 {"seconds", run.seconds}};
  json["left_s"] = run.left_s >= 0 ? nlohmann::json(run.left_s) : nlohmann::json(nullptr);
  json["updated"] = run.updated_s > 0 ? nlohmann::json(run.updated_s) : nlohmann::json(nullptr);
  json["host"] = run.host;
  json["pid"] = run.pid;
  if (!run.headline.empty()) json[run.headline] = run.value;
  if (!run.error.empty()) json["error"] = run.error;
  return json;
}

std::string list_text(const std::vector<RunListing>& runs) {
  base::TextTable table({"run", "state", "iteration", "left", "result", "last seen"});
  std::map<std::string, int> counts;
  for (const RunListing& run : runs) {
    ++counts[run.state];
    const std::string iteration = base::with_thousands(run.iteration) +
                                  (run.iterations > run.iteration ? "/" + base::with_thousands(run.iterations) : "");
    table.add({run.folder.string(), run.state, iteration, run.left_s >= 0 ? time_text(run.left_s) : "",
               run.headline.empty() ? "" : base::concat(run.headline, " ", fixed(run.value, 4)),
               run.updated_s > 0 ? time_text(std::max(0.0, unix_time_s() - run.updated_s)) + " ago" : ""});
  }
  std::vector<std::string> sums;
  for (const std::string& state : kStates) {
    if (counts.contains(state)) sums.push_back(base::concat(counts[state], " ", state));
  }
  return table.text() + base::concat(runs.size(), runs.size() == 1 ? " run" : " runs", sums.empty() ? "" : ": ",
                                     base::join(sums, ", "), "\n");
}

int list(const RunsCommandOptions& options) {
  if (options.watch) watch_signals();
  for (;;) {
    const auto runs = listings(options);
    if (options.json) {
      auto json = nlohmann::ordered_json::array();
      for (const RunListing& run : runs) json.push_back(listing_json(run));
      std::cout << base::json_text(json);
    } else {
      std::cout << (options.watch ? "\x1b[H\x1b[2J" : "") << list_text(runs) << std::flush;
    }
    if (!options.watch) return 0;
    for (int i = 0; i < 20; ++i) {
      if (stop_requested()) return 0;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

// The run of a folder; of one above several, the first.
fs::path one_run(const std::string& folder) {
  const auto runs = experiment::find_runs({fs::path(folder)});
  if (runs.empty()) throw base::ConfigError("no run below " + folder, "a run's folder is runs/<config>/<row>/seed-<n>");
  return runs.front();
}

int diff(const RunsCommandOptions& options) {
  const fs::path a = one_run(options.a), b = one_run(options.b);
  const auto keys = experiment::key_differences(experiment::resolved(experiment::stored_experiment(a)),
                                                experiment::resolved(experiment::stored_experiment(b)));
  const auto summary_a = experiment::summary_of({a}), summary_b = experiment::summary_of({b});
  const auto last = [](const nlohmann::json& summary) {
    return summary.is_object() && summary.contains("last") ? summary["last"] : nlohmann::json::object();
  };
  const nlohmann::json results_a = last(summary_a), results_b = last(summary_b);
  if (options.json) {
    nlohmann::ordered_json json = {{"a", a.string()}, {"b", b.string()}, {"keys", nlohmann::json::array()}};
    for (const auto& [key, there, here] : keys) {
      json["keys"].push_back({{"key", key},
                              {"a", there ? nlohmann::json::parse(*there) : nlohmann::json(nullptr)},
                              {"b", here ? nlohmann::json::parse(*here) : nlohmann::json(nullptr)}});
    }
    json["results"] = {{"a", results_a}, {"b", results_b}};
    std::cout << base::json_text(json);
    return 0;
  }
  base::TextTable table({"", a.string(), b.string()});
  for (const auto& [key, there, here] : keys) table.add({key, there.value_or("-"), here.value_or("-")});
  for (const auto& [name, value] : results_a.items()) {
    if (results_b.contains(name)) table.add({name, value.dump(), results_b[name].dump()});
  }
  std::cout << table.text() << (keys.empty() ? "the two configs are the same\n" : "");
  return 0;
}

struct Removable {
  fs::path path;
  std::string why;
  uint64_t bytes = 0;
};

uint64_t bytes_below(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return fs::file_size(path, ignored);
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, ignored)) {
    if (entry.is_regular_file(ignored)) bytes += entry.file_size(ignored);
  }
  return bytes;
}

// What no continued or evaluated run needs.
std::vector<Removable> removable(const std::vector<fs::path>& folders) {
  std::vector<Removable> all;
  const auto add = [&](const fs::path& path, const std::string& why) {
    if (fs::exists(path)) all.push_back({path, why, bytes_below(path)});
  };
  for (const fs::path& folder : folders) {
    add(folder / ".old", "set aside by --fresh");
    std::error_code ignored;
    for (auto entry = fs::recursive_directory_iterator(folder, ignored); entry != fs::recursive_directory_iterator();
         entry.increment(ignored)) {
      const fs::path& path = entry->path();
      if (path.filename() == ".old") entry.disable_recursion_pending();
      if (path.filename() != "search" || !fs::exists(path / "chosen.yaml")) continue;
      entry.disable_recursion_pending();
      for (const auto& trial : fs::directory_iterator(path)) {
        if (trial.is_directory()) add(trial.path(), "a trial of a search that has chosen");
      }
    }
  }
  for (const fs::path& run : experiment::find_runs(folders)) {
    if (experiment::list_run(run, unix_time_s()).state != "finished") continue;
    for (const char* name : {"state.previous.safetensors", "state.damaged.safetensors"}) {
      add(run / "checkpoints" / name, "of a run that is finished");
    }
  }
  return all;
}

int clean(const RunsCommandOptions& options) {
  const auto all = removable(paths_of(options.folders));
  base::TextTable table({"what", "MiB", "why"});
  uint64_t bytes = 0;
  for (const Removable& one : all) {
    table.add({one.path.string(), fixed(static_cast<double>(one.bytes) / (1 << 20), 1), one.why});
    bytes += one.bytes;
    if (options.yes) fs::remove_all(one.path);
  }
  if (!all.empty()) std::cout << table.text();
  std::cout << fixed(static_cast<double>(bytes) / (1 << 20), 1) << " MiB "
            << (options.yes ? "removed" : "could go; nothing is removed without --yes") << '\n';
  return 0;
}

}  // namespace

void add_runs(CLI::App& app, int& status) {
  const auto options = std::make_shared<RunsCommandOptions>();
  app.require_subcommand(0, 1);
  app.add_option("FOLDERS", options->folders, "folders of runs, or above them")->capture_default_str();
  app.add_option("--state", options->states, "only these: " + base::join(kStates, ", "))
      ->check(CLI::IsMember(kStates))
      ->allow_extra_args(false);
  auto* json = app.add_flag("--json", options->json, "print JSON");
  app.add_flag("--watch", options->watch, "look again every two seconds, until stopped")->excludes(json);

  CLI::App* diff_app = app.add_subcommand("diff", "the keys in which two runs differ, and their results");
  diff_app->add_option("A", options->a, "a run, or a folder above runs, of which the first counts")->required();
  diff_app->add_option("B", options->b, "another")->required();
  diff_app->add_flag("--json", options->json, "print JSON");

  CLI::App* clean_app = app.add_subcommand(
      "clean", "what was set aside, trials of searches that have chosen, earlier states of finished runs");
  clean_app->add_option("FOLDERS", options->folders, "folders of runs")->capture_default_str();
  clean_app->add_flag("--yes", options->yes, "remove them");

  app.callback([options, diff_app, clean_app, &status] {
    status = diff_app->parsed() ? diff(*options) : clean_app->parsed() ? clean(*options) : list(*options);
  });
}

}  // namespace optdnn::app
