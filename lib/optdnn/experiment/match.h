// Twins at equal cost: the stage widths (or the other size, match_size.h) at which a network comes closest to the
// parameters or multiply-adds it shall have. Stage by stage a width is the integer next to its share of the common
// scale that would meet the target, given the widths already picked; so the last stage makes up for the rounding of the
// others.
#pragma once

#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

// What a row asked for, and what the network at the widths that were found costs.
struct Matched {
  std::string_view what;  // "multiply_adds", "parameters"
  double target = 0;
  double found = 0;
  std::string at;  // "width [7, 14, 28]", "hidden 23"
  double gap_pct() const { return 100.0 * (found - target) / target; }
};

// Parameters, or multiply-adds of one sample. Errors: ConfigError if the network cannot be built.
double cost_of(const ExperimentSpec& spec, bool parameters);

// Replaces spec.width or that other size, and clears spec.match where that went well. Requires a spec with `match` that
// was read without errors; `row` and `node` are its name and text. Errors and warnings: at `match`; a gap of more than
// 2 % is a warning, of more than 10 % an error.
std::optional<Matched> match_widths(ExperimentSpec& spec, const std::string& row, const config::Node& node,
                                    base::Diagnostics& diagnostics);

}  // namespace optdnn::experiment
