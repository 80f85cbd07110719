// status.json of a run: what it is doing, for whoever looks on. Information, never a lock (claim.h).
//
//   {"state": "running", "iteration": 1200, "iterations": 5000, "left_s": 38.2, "seconds": 12.1,
//    "updated": 1764160000.0,
//    "host": "a", "pid": 12, "boot": "...", "pid_namespace": "...", "started": "...", "slurm_job": "", ...}
//
// Written as the run begins, every few seconds of records, and as it ends: running, stopped, finished, diverged,
// failed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "optdnn/metrics/sink.h"

namespace optdnn::experiment {

struct StatusOptions {
  int64_t iterations = 0;           // of the whole run
  int64_t runs = 1;                 // that train as one network and share its time
  double unix_time_s = 0;           // when the program began
  std::function<double()> seconds;  // a clock that only rises; may be empty, then times are unknown
  double begin_s = 0;               // what it showed when the program began
};

class Status : public metrics::Sink {
 public:
  Status(std::filesystem::path file, StatusOptions options) : file_(std::move(file)), options_(std::move(options)) {}

  std::optional<int64_t> rewind(int64_t iteration) override;
  void write(const metrics::Record& record) override;
  void end(const std::string& state);

 private:
  void put(const std::string& state);
  double now_s() const { return options_.seconds ? options_.seconds() : 0; }

  std::filesystem::path file_;
  StatusOptions options_;
  int64_t iteration_ = 0;
  double seconds_ = 0;  // of training, resumed runs added up
  int64_t first_iteration_ = 0;
  double first_seconds_ = 0, written_s_ = -1;
};

// Says in a run's status.json, if it is there, that the run failed.
void mark_failed(const std::filesystem::path& file);

// One run as a list shows it, from status.json and summary.json, whichever is there.
struct RunListing {
  std::filesystem::path folder;
  std::string state;  // running, silent (no word for ten minutes), dead, stopped, finished, diverged, failed
  int64_t iteration = 0, iterations = 0;
  double left_s = -1;  // unknown: negative
  double seconds = 0;
  double updated_s = 0;  // Unix time
  std::string host;
  int64_t pid = 0;
  std::string headline;  // "test/error_pct", or empty
  double value = 0;
  std::string error;  // why it diverged or failed
};

// `now_s`: Unix time.
RunListing list_run(const std::filesystem::path& folder, double now_s);

}  // namespace optdnn::experiment
