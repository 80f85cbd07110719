#include "optdnn/experiment/status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/json_text.h"
#include "optdnn/experiment/claim_holder.h"
#include "optdnn/experiment/run_folder.h"

namespace optdnn::experiment {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

constexpr double kBetween_s = 5;
constexpr double kSilent_s = 600;  // as long as a claim lasts
constexpr const char* kHeadlines[] = {"test/error_pct", "test/mse", "valid/error_pct", "valid/mse", "test/loss"};

nlohmann::json json_in(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return nullptr;
  try {
    auto json = nlohmann::json::parse(base::read_file(file, 1 << 24), nullptr, false);
    return json.is_object() ? json : nlohmann::json(nullptr);
  } catch (const std::exception&) {  // replaced just now
    return nullptr;
  }
}

}  // namespace

std::optional<int64_t> Status::rewind(int64_t iteration) {
  iteration_ = first_iteration_ = std::max<int64_t>(iteration, 0);
  first_seconds_ = now_s();
  put("running");
  return std::nullopt;
}

void Status::write(const metrics::Record& record) {
  iteration_ = record.iteration();
  seconds_ = record.seconds();
  if (now_s() - written_s_ >= kBetween_s) put("running");
}

void Status::end(const std::string& state) { put(state); }

void Status::put(const std::string& state) {
  const double now = now_s();
  written_s_ = now;
  const auto done = static_cast<double>(iteration_ - first_iteration_);
  ordered_json json = {{"state", state}, {"iteration", iteration_}, {"iterations", options_.iterations}};
  if (state == "running" && done > 0 && now > first_seconds_) {
    json["left_s"] = static_cast<double>(options_.iterations - iteration_) * (now - first_seconds_) / done;
  }
  json["seconds"] = seconds_;
  json["updated"] = options_.unix_time_s + now - options_.begin_s;
  json.update(ordered_json::parse(this_process().line()));
  base::write_file_atomically(file_, base::json_text(json));
}

void mark_failed(const fs::path& file) try {
  auto json = json_in(file);
  if (!json.is_object()) return;
  json["state"] = "failed";
  json.erase("left_s");
  base::write_file_atomically(file, base::json_text(json));
} catch (const base::EnvironmentError&) {  // a full disk is what failed
}

RunListing list_run(const fs::path& folder, double now_s) {
  const auto status = json_in(folder / "status.json"), summary = json_in(folder / "summary.json");
  RunListing run;
  run.folder = folder;
  run.state = value_in<std::string>(summary, "status", "stopped");  // of versions without a status
  run.iteration = value_in<int64_t>(summary, "iterations", 0);
  run.iterations = run.iteration;
  run.seconds = value_in(summary, "seconds", 0.0);
  if (status.is_object()) {
    run.state = value_in<std::string>(status, "state", run.state);
    run.iteration = value_in(status, "iteration", run.iteration);
    run.iterations = value_in(status, "iterations", run.iterations);
    run.seconds = std::max(run.seconds, value_in(status, "seconds", 0.0));
    run.updated_s = value_in(status, "updated", 0.0);
    run.host = value_in<std::string>(status, "host", "");
    run.pid = value_in<int64_t>(status, "pid", 0);
  }
  if (run.state == "running") {
    const auto holder = read_holder(base::json_line(status));
    const bool gone = holder && is_gone(*holder, this_process());
    run.state = gone ? "dead" : now_s - run.updated_s > kSilent_s ? "silent" : "running";
    if (run.state == "running") run.left_s = value_in(status, "left_s", -1.0);
  }
  if (summary.is_object() && summary.contains("last") && summary["last"].is_object()) {
    for (const char* name : kHeadlines) {
      if (!summary["last"].contains(name) || !summary["last"][name].is_number()) continue;
      run.headline = name;
      run.value = summary["last"][name].get<double>();
      break;
    }
  }
  run.error = value_in<std::string>(summary, "error", "");
  return run;
}

}  // namespace optdnn::experiment
