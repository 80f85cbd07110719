// What training leaves on the terminal: a line per row of its results, where the runs are, and what to do next.
#pragma once

#include <filesystem>
#include <string>

namespace optdnn::experiment {
struct Table;
}

namespace optdnn::app {

// Mean and deviation over the seeds that have finished, of the rows of the table that have one. Empty if none has.
std::string results_text(const experiment::Table& table, const std::filesystem::path& runs);

}  // namespace optdnn::app
