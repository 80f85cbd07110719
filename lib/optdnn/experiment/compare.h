// What `compare` says of a table's rows, checked: that the row they are compared with is there, learns the same and
// costs the same.
#pragma once

#include "optdnn/experiment/table.h"

namespace optdnn::experiment {

// What is learnt, as a text: the data set, whatever the batches, the augmentation and the validation set.
std::string task_of(const ExperimentSpec& spec);

// Puts the whole id of the row in place of `compare.to`: of a sweep, the row at the same values, or the only one of the
// same task. A row that would stand beside itself, by the defaults of its table, is compared with nothing. Errors: at
// `compare`, where there is no such row, or it has another data set (batch, augmentation and validation set aside).
void resolve_comparisons(Table& table, base::Diagnostics& diagnostics);

// Whether the rows cost what theirs in `whole`, the table with all its rows, cost: over 2 % apart is a warning, over
// 10 % an error, also where a search could bring it about, or another length. Requires resolved comparisons, and rows
// whose widths are matched and whose parts fit together.
void check_compared_costs(const Table& rows, const Table& whole, base::Diagnostics& diagnostics);

}  // namespace optdnn::experiment
