#include "table_progress.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/claim.h"
#include "optdnn/experiment/run_folder.h"
#include "optdnn/experiment/table.h"
#include "readable.h"

namespace optdnn::app {

using base::concat;

namespace {

constexpr size_t kMostRows = 20;           // that a terminal has room for
constexpr std::streamoff kTail = 1 << 16;  // more than a record

// The last whole record of metrics.jsonl, or null.
nlohmann::json last_record(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return nullptr;
  const std::streamoff size = file.tellg(), begin = std::max<std::streamoff>(0, size - kTail);
  std::string tail(static_cast<size_t>(size - begin), '\0');
  file.seekg(begin);
  file.read(tail.data(), size - begin);
  const size_t end = tail.rfind('\n');
  if (end == std::string::npos || end == 0) return nullptr;
  const size_t before = tail.rfind('\n', end - 1);
  const size_t first = before == std::string::npos ? 0 : before + 1;
  return nlohmann::json::parse(tail.substr(first, end - first), nullptr, false);
}

// Of a training's length that was reached by then.
double part_done(const nlohmann::json& record, const training::Duration& length) {
  const double done = length.iterations
                          ? experiment::value_in(record, "iteration", 0.0) / static_cast<double>(*length.iterations)
                          : experiment::value_in(record, "epoch", 0.0) / length.epochs.value_or(1);
  return std::isfinite(done) ? std::clamp(done, 0.0, 1.0) : 0;
}

}  // namespace

TableProgress::TableProgress(const std::vector<PlannedRun>& runs, std::filesystem::path out) {
  for (const PlannedRun& run : runs)
    runs_.push_back({run, experiment::run_folder(out, *run.table, *run.row, run.seed).path});
}

// A run that has ended is not looked at again.
void TableProgress::look() {
  for (Run& run : runs_) {
    if (run.state == State::finished || run.state == State::failed) continue;
    try {
      look_at(run);
    } catch (const std::exception&) {
      continue;  // a folder that is not there yet, or a file that is being written
    }
  }
}

void TableProgress::look_at(Run& run) const {
  const auto summary = experiment::summary_of({run.folder});
  const std::string status = experiment::value_in<std::string>(summary, "status", "");
  if (status == "finished" || status == "diverged") {
    run.state = status == "finished" ? State::finished : State::failed;
    run.part = 1;
    run.seconds = experiment::value_in(summary, "seconds", 0.0);
    return;
  }
  run.state = experiment::Claim::is_held(run.folder) ? State::running : State::waiting;
  const auto record = last_record(run.folder / "metrics.jsonl");
  if (!record.is_object()) return;
  run.part = part_done(record, run.run.row->spec.train.length);
  run.seconds = experiment::value_in(record, "seconds", 0.0);
}

size_t TableProgress::ended() const {
  return std::count_if(runs_.begin(), runs_.end(),
                       [](const Run& run) { return run.state == State::finished || run.state == State::failed; });
}

std::vector<std::vector<const TableProgress::Run*>> TableProgress::rows() const {
  std::vector<std::vector<const Run*>> rows;
  for (const Run& run : runs_) {
    if (rows.empty() || rows.back().front()->run.row != run.run.row) rows.emplace_back();
    rows.back().push_back(&run);
  }
  return rows;
}

std::optional<double> TableProgress::left_s(const std::vector<const Run*>& row) {
  double done = 0, seconds = 0, left = 0;
  for (const Run* run : row) {
    if (run->state != State::failed) done += run->part, seconds += run->seconds;
    left += 1 - run->part;
  }
  if (left == 0) return 0;
  return done > 0 && seconds > 0 ? std::optional(left * seconds / done) : std::nullopt;
}

namespace {
std::string left_text(std::optional<double> left_s, bool at_least) {
  return left_s ? (at_least ? "over " : "") + time_text(*left_s) : "?";
}
}  // namespace

std::string TableProgress::line(size_t workers) const {
  double left = 0;
  bool unknown = false;
  for (const auto& row : rows()) {
    const auto seconds = left_s(row);
    unknown |= !seconds;
    left += seconds.value_or(0);
  }
  const size_t failed =
      std::count_if(runs_.begin(), runs_.end(), [](const Run& run) { return run.state == State::failed; });
  std::string text = concat(ended(), " of ", runs(), runs() == 1 ? " run has" : " runs have", " ended");
  if (failed > 0) text += concat(", ", failed, " of them badly");
  if (ended() < runs() && workers > 0) {
    const bool known = left > 0;
    text += ", " +
            left_text(known ? std::optional(left / static_cast<double>(workers)) : std::nullopt, unknown && known) +
            " left";
  }
  return text;
}

std::string TableProgress::table(double seconds, size_t workers, int columns) const {
  base::TextTable table({"row", "runs", "finished", "failed", "running", "waiting", "done", "left"});
  const auto all_rows = rows();
  const bool many = all_rows.size() > kMostRows;  // those at work alone
  for (const auto& row : all_rows) {
    const auto is_running = [](const Run* run) { return run->state == State::running; };
    if (many && std::none_of(row.begin(), row.end(), is_running)) continue;
    const auto count = [&](State state) {
      return std::to_string(std::count_if(row.begin(), row.end(), [&](const Run* run) { return run->state == state; }));
    };
    double done = 0;
    for (const Run* run : row) done += run->part;
    table.add({row.front()->run.row->id, std::to_string(row.size()), count(State::finished), count(State::failed),
               count(State::running), count(State::waiting),
               fixed(100 * done / static_cast<double>(row.size()), 0) + " %", left_text(left_s(row), false)});
  }
  std::string all = table.text() + line(workers);
  if (workers > 0) all += concat("; ", workers, workers == 1 ? " worker, " : " workers, ", time_text(seconds));
  // A line that is broken by the terminal could not be taken back.
  std::string cut;
  for (const std::string& one : base::split(all, '\n')) cut += one.substr(0, static_cast<size_t>(columns) - 1) + "\n";
  return cut;
}

}  // namespace optdnn::app
