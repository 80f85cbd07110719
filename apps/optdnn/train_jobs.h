// train --jobs N: N workers of this machine on one table. Each is this program again, with a share of the cores; they
// take runs by the claims of run folders, so that other machines may work on the table at the same time. The parent
// trains nothing: it shows the rows with the time that is left, and what the workers complain of, once.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "train_plan.h"

namespace optdnn::app {

// Worker `index` of `count`; nothing if this process is none.
struct Worker {
  int index = 0, count = 1;
};
std::optional<Worker> this_worker();

// Returns the exit code: the worst of the workers, 3 if some were killed and runs are left. `columns` of the terminal,
// or 0.
int run_jobs(const std::vector<PlannedRun>& runs, int jobs, const std::filesystem::path& out, bool quiet, int columns);

}  // namespace optdnn::app
