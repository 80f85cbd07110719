// What the commands that build networks share: the tables of the configs, and the options of a run from the flags.
#pragma once

#include <vector>

#include "options.h"

namespace optdnn::experiment {
struct RunOptions;
struct Table;
}  // namespace optdnn::experiment

namespace optdnn::app {

// Reads every config, prints warnings, and throws with all mistakes of all files if there is one.
std::vector<experiment::Table> read_tables(const Which& which);

// Device resolved, clock and version filled in.
experiment::RunOptions run_options(const Where& where);

}  // namespace optdnn::app
