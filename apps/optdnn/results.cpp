#include "results.h"

#include <cmath>
#include <vector>

#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/run_folder.h"
#include "optdnn/experiment/status.h"
#include "optdnn/experiment/table.h"

namespace optdnn::app {

namespace {

struct Mean {
  double mean = 0, deviation = 0;
};

Mean mean_of(const std::vector<double>& values) {
  Mean result;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) result.mean += value / n;
  for (const double value : values) result.deviation += (value - result.mean) * (value - result.mean);
  result.deviation = n > 1 ? std::sqrt(result.deviation / (n - 1)) : 0;
  return result;
}

// Runs that trained as one network took equal shares: their seconds have no spread.
std::string mean_text(const std::vector<double>& values) {
  const Mean m = mean_of(values);
  char text[64];
  std::snprintf(text, sizeof text, m.deviation > 1e-5 * std::abs(m.mean) ? "%.4g +- %.2g" : "%.4g", m.mean,
                m.deviation);
  return text;
}

}  // namespace

std::string results_text(const experiment::Table& table, const std::filesystem::path& runs) {
  std::string headline;
  std::vector<std::vector<std::string>> lines;
  for (const experiment::Row& row : table.rows) {
    std::vector<double> values, seconds;
    std::string parameters;
    for (const uint64_t seed : row.spec.seeds) {
      const auto folder = experiment::run_folder(runs, table, row, seed);
      const auto summary = experiment::summary_of(folder);
      const auto listing = experiment::list_run(folder.path, 0);
      if (listing.state != "finished" || listing.headline.empty()) continue;
      if (headline.empty()) headline = listing.headline;
      if (listing.headline != headline) continue;
      values.push_back(listing.value);
      seconds.push_back(listing.seconds);
      if (summary.contains("parameters")) {
        parameters = base::with_thousands(summary["parameters"].get<int64_t>());
      }
    }
    if (values.empty()) continue;
    lines.push_back({row.id, std::to_string(values.size()), mean_text(values), parameters, mean_text(seconds)});
  }
  if (lines.empty()) return "";
  base::TextTable text({"row", "seeds", headline, "parameters", "seconds"});
  for (const auto& line : lines) text.add(line);
  return text.text();
}

}  // namespace optdnn::app
