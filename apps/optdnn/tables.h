// What the commands that build networks share: the tables of the configs, and the options of a run from the flags.
#pragma once

#include <vector>

#include "options.h"

namespace optdnn::experiment {
struct RunOptions;
struct Table;
}  // namespace optdnn::experiment

namespace optdnn::app {

// Reads every config, prints warnings, and throws with all mistakes of all files if there is one. To be run, the parts
// of each row must also fit together; to be shown or certified they need not.
enum class Purpose { run, look };
// `data_root`: where image folders are looked for.
std::vector<experiment::Table> read_tables(const Which& which, Purpose purpose, const std::string& data_root);

// Device resolved, clock and version filled in.
experiment::RunOptions run_options(const Where& where);

double unix_time_s();

// Errors: ConfigError for an executor or kernels that do not exist.
void check_choices(const Where& where);

}  // namespace optdnn::app
