// Whether the parts of a row fit together: data set, rule, modules, stem, transitions, head. Found before anything
// runs, and reported at the key to change.
#pragma once

#include "optdnn/experiment/table.h"

namespace optdnn::experiment {

// Requires a row that was read without errors. Builds no module, so that a large network costs nothing to check.
void check_fit(const Row& row, base::Diagnostics& diagnostics);

}  // namespace optdnn::experiment
