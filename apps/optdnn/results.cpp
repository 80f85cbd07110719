#include "results.h"

#include <vector>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/run_folder.h"
#include "optdnn/experiment/status.h"
#include "optdnn/experiment/table.h"
#include "readable.h"

namespace optdnn::app {

namespace {

// Whether the folder's run is what the row says today; what a search has chosen is not looked at.
bool is_of(const experiment::Row& row, uint64_t seed, const experiment::RunFolder& folder) try {
  if (!row.spec.search) experiment::check_identity(folder, experiment::resolved_run(row.spec, seed));
  return true;
} catch (const base::Error&) {
  return false;
}

}  // namespace

std::string results_text(const experiment::Table& table, const std::filesystem::path& runs) {
  std::string headline;
  std::vector<std::vector<std::string>> lines;
  for (const experiment::Row& row : table.rows) {
    std::vector<double> values;
    double seconds = 0;
    std::string parameters;
    for (const uint64_t seed : row.spec.seeds) {
      const auto folder = experiment::run_folder(runs, table, row, seed);
      if (!is_of(row, seed, folder)) continue;
      const auto summary = experiment::summary_of(folder);
      const auto listing = experiment::list_run(folder.path, 0);
      if (listing.state != "finished" || listing.headline.empty()) continue;
      if (headline.empty()) headline = listing.headline;
      if (listing.headline != headline) continue;
      values.push_back(listing.value);
      seconds += listing.seconds;
      const auto count = experiment::value_in<int64_t>(summary, "parameters", -1);
      if (count >= 0) parameters = base::with_thousands(count);
    }
    if (values.empty()) continue;
    lines.push_back({row.id, std::to_string(values.size()), mean_text(values), parameters, time_text(seconds)});
  }
  if (lines.empty()) return "";
  base::TextTable text({"row", "seeds", headline, "parameters", "time"});
  for (const auto& line : lines) text.add(line);
  return text.text();
}

}  // namespace optdnn::app
