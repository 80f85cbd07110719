#include "optdnn/experiment/compare.h"

#include <cmath>

#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/sweep.h"
#include "optdnn/experiment/trials.h"

namespace optdnn::experiment {

using base::concat;

namespace {

constexpr double kWarnedCostGapPct = 2, kRefusedCostGapPct = 10;

const Row* find_row(const Table& table, const std::string& id) {
  const auto found = std::find_if(table.rows.begin(), table.rows.end(), [&](const Row& row) { return row.id == id; });
  return found == table.rows.end() ? nullptr : &*found;
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

}  // namespace

std::string task_of(const ExperimentSpec& spec) {
  return config::canonical_json(config::without_keys(
      config::dump(spec.dataset),
      {"batch_size", "augment", "crop_padding", "cutout_size", "erase_probability", "mixup_alpha", "validation"}));
}

void resolve_comparisons(Table& table, base::Diagnostics& diagnostics) {
  std::vector<std::string> ids;
  for (const Row& row : table.rows) ids.push_back(row.id);
  for (Row& row : table.rows) {
    if (!row.spec.compare) continue;
    const Row* to = compared_row(table, row);
    if (!to) {
      diagnostics.error(
          row.config.span_of("compare"),
          concat("row '", row.id, "' is compared with '", row.spec.compare->to, "', and there is no such row"),
          base::suggestion(row.spec.compare->to, ids, "rows"));
    } else if (to == &row) {
      row.spec.compare.reset();
    } else if (task_of(row.spec) != task_of(to->spec)) {
      diagnostics.error(row.config.span_of("compare"),
                        concat("row '", row.id, "' is compared with '", to->id, "', which has another data set"));
    } else {
      row.spec.compare->to = to->id;
    }
  }
}

namespace {

// Counts each network once, whatever trains it.
class Costs {
 public:
  double operator()(const ExperimentSpec& spec, ComparedCost cost) {
    const auto network =
        config::without_keys(resolved(spec), {"optimizer", "schedule", "train", "evaluate", "seeds", "loss"});
    const auto [entry, is_new] = known_.emplace(std::pair(config::canonical_json(network), cost), 0);
    if (is_new) entry->second = cost_of(spec, cost == ComparedCost::parameters);
    return entry->second;
  }

 private:
  std::map<std::pair<std::string, ComparedCost>, double> known_;
};

std::string_view words_of(ComparedCost cost) {
  return cost == ComparedCost::parameters ? "parameters" : "multiply-adds";
}

double gap_pct(double cost, double of) { return 100 * std::abs(cost - of) / of; }

// Returns false where the row's search may choose another length, or a value that costs what no longer compares with
// `of`.
bool check_searched_costs(const Row& row, double of, ComparedCost cost, Costs& costs, base::Diagnostics& diagnostics) {
  if (!row.spec.search) return true;
  for (const auto& item : row.spec.search->space) {
    if (!config::paths_overlap(item.first, "train.length")) continue;
    diagnostics.error(
        place_of_search(row, item.first),
        concat("row '", row.id, "' is part of a comparison, so a search cannot choose how long it trains"));
    return false;
  }
  for (const auto& [path, value] : extreme_values(row.spec)) {
    base::Diagnostics ignored;  // the row's own were told before
    const ExperimentSpec changed = with_values(row.spec, {{path, value}}, ignored);
    const double own = costs(changed, cost);
    if (gap_pct(own, of) <= kRefusedCostGapPct) continue;
    diagnostics.error(place_of_search(row, path),
                      concat("row '", row.id, "' is part of a comparison at equal cost, and at ", path, " ",
                             config::to_flow(value), " it has ", base::with_thousands(std::llround(own)), " ",
                             words_of(cost), " in the place of ", base::with_thousands(std::llround(of))),
                      "give each size a row of its own with `grid`");
    return false;
  }
  return true;
}

}  // namespace

void check_compared_costs(const Table& rows, const Table& whole, base::Diagnostics& diagnostics) {
  Costs costs;
  for (const Row& row : rows.rows) {
    if (!row.spec.compare) continue;
    const Row* found = find_row(rows, row.spec.compare->to);
    if (!found) found = find_row(whole, row.spec.compare->to);
    if (!found) continue;
    Row to = *found;
    base::Diagnostics ignored;  // the row's own, where it is among those that run
    if (to.spec.match) match_widths(to.spec, to.id, to.config, ignored);
    const ComparedCost cost = row.spec.compare->cost;
    try {
      const double own = costs(row.spec, cost), theirs = costs(to.spec, cost);
      const std::string message =
          concat("row '", row.id, "' has ", base::with_thousands(std::llround(own)), " ", words_of(cost), ", '", to.id,
                 "', which it is compared with, ", base::with_thousands(std::llround(theirs)));
      if (gap_pct(own, theirs) > kRefusedCostGapPct) {
        diagnostics.error(row.config.span_of("compare"), message, "match picks sizes that cost the same");
        continue;
      }
      if (gap_pct(own, theirs) > kWarnedCostGapPct) diagnostics.warning(row.config.span_of("compare"), message);
      if (check_searched_costs(row, theirs, cost, costs, diagnostics))
        check_searched_costs(to, own, cost, costs, diagnostics);
    } catch (const base::ConfigError&) {  // a row that cannot be built is told of elsewhere
    }
  }
}

}  // namespace optdnn::experiment
