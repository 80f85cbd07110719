#include "train_plan.h"

#include <algorithm>
#include <sstream>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/table.h"

namespace optdnn::app {

using base::concat;

void check_ways(const Ways& ways) {
  const auto refuse_if = [](bool both, const char* what, const char* hint) {
    if (both) throw base::ConfigError(what, hint);
  };
  const bool processes = !ways.processes.empty(), workers = ways.jobs > 0 || ways.shared;
  refuse_if(processes && ways.jobs > 0, "--processes excludes --jobs",
            "--processes makes one run faster, --jobs trains several runs at a time: give one of them");
  refuse_if(processes && ways.shared, "--processes excludes --shared",
            "a table shared by workers of several processes each is divided by --shard i/n instead");
  refuse_if(ways.shared && !ways.shard.empty(), "--shared excludes --shard",
            "--shared takes whatever nobody has, --shard a fixed part: give one of them");
  refuse_if(
      workers && ways.fresh, "--fresh excludes --shared and --jobs",
      "a worker would set aside what another has just finished: set the runs aside first, by a --fresh of its own");
  refuse_if(workers && ways.retry, "--retry excludes --shared and --jobs",
            "every worker would try again what another has just tried: retry by one process");
  refuse_if(ways.by != "run" && ways.shard.empty(), "--by without --shard",
            "--shard 2/5 --by row is every fifth row from the second");
}

std::string PlannedRun::name() const { return concat(table->stem, "/", row->id, "/seed-", seed); }

std::vector<PlannedRun> plan_runs(const std::vector<experiment::Table>& tables) {
  std::vector<PlannedRun> runs;
  for (const auto& table : tables) {
    for (const auto& row : table.rows) {
      for (const uint64_t seed : row.spec.seeds) runs.push_back({&table, &row, seed});
    }
  }
  return runs;
}

void keep_shard(std::vector<PlannedRun>& runs, const std::string& shard, bool by_row) {
  if (shard.empty()) return;
  int64_t index = 0, count = 0;
  char slash = 0, rest = 0;
  std::istringstream text(shard);
  if (!(text >> index >> slash >> count) || slash != '/' || text >> rest || index < 1 || index > count) {
    throw base::ConfigError("--shard wants i/n with 1 <= i <= n, received '" + shard + "'",
                            "--shard 2/5 is every fifth run from the second");
  }
  std::vector<PlannedRun> kept;
  int64_t number = -1;  // of the run, or of its row
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!by_row || i == 0 || runs[i].row != runs[i - 1].row) ++number;
    if (number % count == index - 1) kept.push_back(runs[i]);
  }
  runs = kept;
}

std::span<const PlannedRun> first_row(std::span<const PlannedRun> runs, size_t most) {
  size_t count = 1;
  while (count < std::min(runs.size(), most) && runs[count].row == runs[0].row) ++count;
  return runs.first(count);
}

}  // namespace optdnn::app
