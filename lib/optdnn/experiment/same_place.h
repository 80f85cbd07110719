// What to do where a run's place is taken by another: by the runs of another config of the same name, or by a shorter
// training of the same experiment.
//
//   runs/<stem>/origin.json   {"config": "<absolute path>/rings.yaml", "host": "node1", "sha256": "..."}
//                             the file whose runs these are; on another host its text counts, not its path
#pragma once

#include "optdnn/experiment/run_folder.h"

namespace optdnn::experiment {

// Notes whose runs the folder has. Errors: ConfigError naming the other config, if that file is still there, or lies on
// another host, and is another one.
void hold_stem(const std::filesystem::path& runs, const Table& table);

// Lengthens the run in the folder where its config differs from `resolved` in a longer train.length alone and no number
// before the old end depends on the length: schedule constant, or steps, warm-up and milestones in epochs or
// iterations. Rewrites resolved.yaml and says so in log.txt. Does nothing where the two are equal. Requires that the
// folder is ours. Errors: ConfigError saying what stands against it.
void extend_run(const RunFolder& folder, const config::Node& resolved);

struct KeyDifference {
  std::string key;
  std::optional<std::string> there, here;  // as JSON; nothing where the key is missing
};
std::vector<KeyDifference> key_differences(const config::Node& there, const config::Node& here);

// "depth (there 9, here 3), optimizer.momentum (only there)"
std::string differences_text(const std::vector<KeyDifference>& differences);

}  // namespace optdnn::experiment
