#include "train_jobs.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <set>
#include <sstream>

#include "child_processes.h"
#include "failure.h"
#include "optdnn/base/text.h"
#include "signals.h"
#include "table_progress.h"

namespace optdnn::app {

namespace {

constexpr const char* kVariable = "OPTDNN_WORKER";
constexpr int kLook_ms = 1000;

// The table on a terminal, drawn anew over itself; elsewhere a line whenever a run has ended.
class Display {
 public:
  Display(TableProgress progress, bool quiet, int columns)
      : progress_(std::move(progress)), quiet_(quiet), live_(columns > 0 && !quiet), columns_(columns) {}

  void say(const std::string& line) {
    clear();
    std::cerr << line << '\n';
  }
  void show(double seconds, size_t workers) {
    progress_.look();
    if (quiet_) return;
    if (!live_) {
      if (progress_.ended() != shown_) std::cout << progress_.line(workers) << std::endl;
      shown_ = progress_.ended();
      return;
    }
    clear();
    const std::string text = progress_.table(seconds, workers, columns_);
    lines_ = std::count(text.begin(), text.end(), '\n');
    std::cout << text << std::flush;
  }
  bool all_ended() const { return progress_.ended() == progress_.runs(); }

 private:
  void clear() {
    if (lines_ > 0) std::cout << "\x1b[" << lines_ << "A\x1b[J" << std::flush;
    lines_ = 0;
  }

  TableProgress progress_;
  bool quiet_, live_;
  int columns_;
  size_t shown_ = 0;
  int64_t lines_ = 0;
};

}  // namespace

std::optional<Worker> this_worker() {
  const char* value = std::getenv(kVariable);
  if (!value) return std::nullopt;
  Worker worker;
  char slash = 0;
  std::istringstream text(value);
  if (!(text >> worker.index >> slash >> worker.count) || slash != '/' || worker.index < 0 || worker.count < 1)
    throw base::EnvironmentError(base::concat(kVariable, " is not to be set by hand: '", value, "'"));
  return worker;
}

int run_jobs(const std::vector<PlannedRun>& runs, int jobs, const std::filesystem::path& out, bool quiet, int columns) {
  watch_signals();
  Display display(TableProgress(runs, out), quiet, columns);
  std::vector<ChildProcesses::Variables> variables;
  for (int i = 0; i < jobs; ++i) variables.push_back({{kVariable, base::concat(i, "/", jobs)}});
  ChildProcesses workers(variables, /*read_errors=*/true);
  std::set<std::string> said;
  const auto hear = [&](size_t, const std::string& line) {
    if (said.insert(line).second) display.say(line);
  };
  base::ExitCode worst = base::ExitCode::success;
  size_t killed = 0;
  int stopped = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  while (workers.running() > 0) {
    display.show(seconds(), workers.running());
    for (const auto& [worker, status, was_killed] : workers.wait(kLook_ms, hear)) {
      const bool told_to_stop = was_killed && status == 128 + SIGTERM;  // before it listened
      if (was_killed && !told_to_stop && !stop_requested()) {
        ++killed;
        display.say(
            base::concat("a worker was ended by signal ", status - 128, "; what it had begun goes to the others"));
      } else if (status > 128) {
        stopped = status;
      } else {
        worst = worse(worst, static_cast<base::ExitCode>(status));
      }
    }
  }
  display.show(seconds(), 0);
  if (stop_requested()) {
    std::cerr << "stopped; the same command continues\n";
    return stop_status();
  }
  if (killed > 0 && !display.all_ended()) {
    std::cerr << "error: " << killed << " of " << jobs << " workers were killed, and runs are left\n"
              << "   hint: fewer --jobs if memory ran out; the same command continues\n";
    worst = worse(worst, base::ExitCode::environment);
  }
  if (stopped != 0 && worst == base::ExitCode::success && !display.all_ended()) {
    std::cerr << "workers were stopped, and runs are left; the same command continues\n";
    return stopped;
  }
  return static_cast<int>(worst);
}

}  // namespace optdnn::app
