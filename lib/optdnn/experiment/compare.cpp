#include "optdnn/experiment/compare.h"

#include <cmath>

#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/config/merge.h"

namespace optdnn::experiment {

using base::concat;

namespace {

constexpr double kWarnedCostGapPct = 2, kRefusedCostGapPct = 10;

const Row* find_row(const Table& table, const std::string& id) {
  const auto found = std::find_if(table.rows.begin(), table.rows.end(), [&](const Row& row) { return row.id == id; });
  return found == table.rows.end() ? nullptr : &*found;
}

// What is learnt, whatever the batches, the augmentation and the validation set.
std::string task_of(const ExperimentSpec& spec) {
  return config::canonical_json(config::without_keys(
      config::dump(spec.dataset),
      {"batch_size", "augment", "crop_padding", "cutout_size", "erase_probability", "mixup_alpha", "validation"}));
}

// `to` itself, or of a sweep named so the row at the same values (its name ends alike), or the only one of the same
// task.
const Row* compared_row(const Table& table, const Row& row) {
  const std::string& to = row.spec.compare->to;
  if (const Row* found = find_row(table, to)) return found;
  const Row* longest = nullptr;
  for (const Row& other : table.rows) {
    if (!other.id.starts_with(to + "-") || !row.id.ends_with(other.id.substr(to.size()))) continue;
    if (!longest || other.id.size() > longest->id.size()) longest = &other;
  }
  if (longest) return longest;
  const auto same_task = [&](const Row& other) {
    return other.id.starts_with(to + "-") && task_of(other.spec) == task_of(row.spec);
  };
  const auto found = std::find_if(table.rows.begin(), table.rows.end(), same_task);
  const bool is_only =
      found != table.rows.end() && std::find_if(found + 1, table.rows.end(), same_task) == table.rows.end();
  return is_only ? &*found : nullptr;
}

base::SourceSpan place_of_compare(const Row& row) {
  const config::Node* node = row.config.find("compare");
  return node ? node->span() : row.config.span();
}

}  // namespace

void resolve_comparisons(Table& table, base::Diagnostics& diagnostics) {
  std::vector<std::string> ids;
  for (const Row& row : table.rows) ids.push_back(row.id);
  for (Row& row : table.rows) {
    if (!row.spec.compare) continue;
    const Row* to = compared_row(table, row);
    if (!to) {
      diagnostics.error(
          place_of_compare(row),
          concat("row '", row.id, "' is compared with '", row.spec.compare->to, "', and there is no such row"),
          base::suggestion(row.spec.compare->to, ids, "rows"));
    } else if (to == &row) {
      row.spec.compare.reset();
    } else if (task_of(row.spec) != task_of(to->spec)) {
      diagnostics.error(place_of_compare(row),
                        concat("row '", row.id, "' is compared with '", to->id, "', which has another data set"));
    } else {
      row.spec.compare->to = to->id;
    }
  }
}

void check_compared_costs(const Table& rows, const Table& whole, base::Diagnostics& diagnostics) {
  std::map<std::string, double> known;
  const auto cost = [&](const Row& row, bool parameters) {
    const auto [entry, is_new] = known.emplace(concat(row.id, parameters ? "/p" : "/m"), 0);
    if (is_new) entry->second = cost_of(row.spec, parameters);
    return entry->second;
  };
  for (const Row& row : rows.rows) {
    if (!row.spec.compare) continue;
    const Row* found = find_row(rows, row.spec.compare->to);
    if (!found) found = find_row(whole, row.spec.compare->to);
    if (!found) continue;
    Row to = *found;
    base::Diagnostics ignored;  // the row's own, where it is among those that run
    if (to.spec.match) match_widths(to.spec, to.id, to.config, ignored);
    const bool parameters = row.spec.compare->cost == ComparedCost::parameters;
    try {
      const double own = cost(row, parameters), theirs = cost(to, parameters);
      const double gap_pct = 100 * (own - theirs) / theirs;
      if (std::abs(gap_pct) <= kWarnedCostGapPct) continue;
      const std::string message = concat("row '", row.id, "' has ", base::with_thousands(std::llround(own)), " ",
                                         parameters ? "parameters" : "multiply-adds", ", '", to.id,
                                         "', which it is compared with, ", base::with_thousands(std::llround(theirs)));
      if (std::abs(gap_pct) > kRefusedCostGapPct) {
        diagnostics.error(place_of_compare(row), message, "match picks sizes that cost the same");
      } else {
        diagnostics.warning(place_of_compare(row), message);
      }
    } catch (const base::ConfigError&) {  // a row that cannot be built is told of elsewhere
    }
  }
}

}  // namespace optdnn::experiment
