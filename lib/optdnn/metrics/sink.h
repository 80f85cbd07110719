// Where records go. A file kept by a run that was stopped and continued equals that of an unbroken run.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "optdnn/metrics/record.h"

namespace optdnn::metrics {

class Sink {
 public:
  virtual ~Sink() = default;

  // Before the first write, and whenever training goes back to a checkpoint: forgets what was written after
  // `iteration`; -1 forgets everything. Returns how many records are left, of a sink that can tell.
  virtual std::optional<int64_t> rewind(int64_t iteration) = 0;

  // The record is with the operating system when this returns. Errors: EnvironmentError if the disk is full.
  virtual void write(const Record& record) = 0;
};

// metrics.jsonl: one JSON object a line. NaN and infinities are kept, as the tokens Python's json reads.
std::unique_ptr<Sink> make_json_lines_sink(const std::filesystem::path& path);

// metrics.csv after RFC 4180: a column per name in order of appearance, empty where a record lacks it.
std::unique_ptr<Sink> make_csv_sink(const std::filesystem::path& path);

using Hparams = std::vector<std::pair<std::string, Value>>;

// A TensorBoard event file; its name must contain "tfevents". `start_time_s`: Unix time at the run's second 0. With
// `hparams` the run is a line of the HParams tab; runs of one `group` (the seeds of a row) are shown as one, on
// average.
std::unique_ptr<Sink> make_tensorboard_sink(const std::filesystem::path& path, double start_time_s,
                                            const Hparams& hparams = {}, const std::string& group = "");

struct TerminalOptions {
  std::string label;                                      // "apg2, seed 0"
  int64_t iterations = 0;                                 // of the whole run
  bool is_terminal = false;                               // a bar in place; otherwise a plain line per evaluation
  int width = 100;                                        // columns of the terminal
  int64_t runs = 1;                                       // that train as one network and share its time
  std::function<double(double left_s)> left_of_all = {};  // with what comes after this; may be empty
};

// A progress bar with rate and time left. Requires: `out` outlives the sink.
std::unique_ptr<Sink> make_terminal_sink(std::ostream& out, TerminalOptions options);

}  // namespace optdnn::metrics
