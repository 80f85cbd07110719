// The search of a row: trials on the validation set, the best three again on three other seeds, one chosen.
//   <row>/search/trial-<i>/seed-<n>/   a run each; the first seed screens, the others confirm
//   <row>/search/chosen.yaml           the choice; while it is there and fits, nothing is searched again
#pragma once

#include <optional>

#include "optdnn/experiment/run.h"

namespace optdnn::experiment {

struct SearchResult {
  ExperimentSpec spec;             // with the chosen values, to be trained on all training samples
  nlohmann::ordered_json summary;  // values, the trial they come from, and what it was chosen by
};

// Trains the trials that are missing, together where seeds can. Nothing if a signal stopped it. Errors: ConfigError if
// another search has been there, DivergedError if every trial diverged.
std::optional<SearchResult> search(const Table& table, const Row& row, const RunOptions& options, DataSets& datasets);

}  // namespace optdnn::experiment
