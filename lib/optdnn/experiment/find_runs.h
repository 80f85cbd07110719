// The runs below folders: what has a resolved.yaml, or a status.json of a run that has not written one yet. What was
// set aside (.old) and the trials of searches are none.
#pragma once

#include <filesystem>
#include <vector>

namespace optdnn::experiment {

// In the order of their paths, numbers by their size: seed-2 before seed-10. A folder that is a run stands for itself.
// Errors: EnvironmentError for a folder that is not there.
std::vector<std::filesystem::path> find_runs(const std::vector<std::filesystem::path>& folders);

}  // namespace optdnn::experiment
