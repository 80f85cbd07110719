// The trials of a row: its experiment with other values, for the validation set alone.
#pragma once

#include <set>

#include "optdnn/experiment/table.h"

namespace optdnn::experiment {

using SearchedValues = std::map<std::string, config::Node>;  // by dotted path

// Whether the experiment has such a key: one of the complete tree, or a coefficient of its rule.
bool has_path(const ExperimentSpec& spec, const std::string& path);

// The values of trial i, for the paths that the experiment has.
SearchedValues draw_values(const ExperimentSpec& spec, int64_t i);

// Values that the search may choose, by path: of a list all, of a range its ends and a draw. Choice: what holds for
// these is taken to hold for every value.
std::vector<std::pair<std::string, config::Node>> extreme_values(const ExperimentSpec& spec);

// The place of `path` in the row's search; of the search itself, where the text does not name it.
base::SourceSpan place_of_search(const Row& row, const std::string& path = "");

// The experiment with these values in their places. Mistakes (a value out of its range) go to `diagnostics`.
ExperimentSpec with_values(const ExperimentSpec& spec, const SearchedValues& values, base::Diagnostics& diagnostics);

// As a trial: the budget's length, judged once, at the end, on the validation set.
ExperimentSpec as_trial(ExperimentSpec spec);

// As it is trained with the values that were chosen: on all training samples.
ExperimentSpec as_chosen(ExperimentSpec spec);

// The constants among the rule's coefficients that the search varies, which get a run dimension then.
std::set<std::string> searched_constants(const ExperimentSpec& spec);

// Removes from the rows' searches what the command line overrides; where nothing is left, the row is trained as with
// values that were chosen. Then tells what keeps a search from beginning: a path that no row has or that the file
// sweeps, values out of their range or of another task, no validation set. Errors: at the row's `search`.
void resolve_searches(Table& table, base::Diagnostics& diagnostics);

}  // namespace optdnn::experiment
