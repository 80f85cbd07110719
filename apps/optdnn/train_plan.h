// The runs that `train` is asked for: which, and by which of its ways they are shared out.
//
//   (nothing)         this process, one row after another
//   --processes N     one run at a time, on N processes together
//   --jobs N          N workers on this machine, each with a run of its own
//   --shared          this process takes what no other has; others may run anywhere
//   --shard i/n       this process takes a fixed part
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace optdnn::experiment {
struct Row;
struct Table;
}  // namespace optdnn::experiment

namespace optdnn::app {

struct Ways {
  std::string processes;  // a number, "auto", or empty
  int jobs = 0;           // 0: not asked for
  bool shared = false;
  std::string shard;
  std::string by = "run";
  bool fresh = false, retry = false;
};

// Errors: ConfigError with a hint for ways that exclude each other.
void check_ways(const Ways& ways);

struct PlannedRun {
  const experiment::Table* table;
  const experiment::Row* row;
  uint64_t seed;
  std::string name() const;
};

std::vector<PlannedRun> plan_runs(const std::vector<experiment::Table>& tables);

// "2/5": every fifth run, or row, beginning with the second. Errors: ConfigError for another text.
void keep_shard(std::vector<PlannedRun>& runs, const std::string& shard, bool by_row);

// The runs that share table and row with the first, at most so many.
std::span<const PlannedRun> first_row(std::span<const PlannedRun> runs, size_t most = SIZE_MAX);

}  // namespace optdnn::app
