// How far the runs of a table are, read from their folders: whoever trains them, here or on another machine.
//   time left   of a row: what its runs still have to do, by the seconds that its runs took so far; of the table: that
//               of all rows, divided among the workers. A row without a record has none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train_plan.h"

namespace optdnn::app {

class TableProgress {
 public:
  TableProgress(const std::vector<PlannedRun>& runs, std::filesystem::path out);

  void look();
  size_t runs() const { return runs_.size(); }
  size_t ended() const;  // well or not
  std::string line(size_t workers) const;
  std::string table(double seconds, size_t workers, int columns) const;

 private:
  enum class State { waiting, running, finished, failed };
  struct Run {
    PlannedRun run;
    std::filesystem::path folder;
    State state = State::waiting;
    double part = 0;     // done, of 1
    double seconds = 0;  // that this took
  };
  void look_at(Run& run) const;
  static std::optional<double> left_s(const std::vector<const Run*>& row);
  std::vector<std::vector<const Run*>> rows() const;

  std::vector<Run> runs_;
};

}  // namespace optdnn::app
