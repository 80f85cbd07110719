#include "optdnn/config/table.h"

#include <algorithm>
#include <map>

#include "optdnn/base/files.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"
#include "optdnn/config/include.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/sweep.h"
#include "optdnn/config/yaml_text.h"

namespace optdnn::config {

using base::concat;

namespace {

constexpr size_t kMaxIdBytes = 120;
constexpr size_t kMaxTableNodes = 2'000'000;  // of all rows together

const std::vector<std::string> kTableKeys{"include", "table", "study", "defaults", "rows", "grid", "zip"};
const std::vector<std::string> kRowKeys{"id", "paper", "grid", "zip"};

bool is_among(const std::vector<std::string>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool check_id(const std::string& id, const base::SourceSpan& place, base::Diagnostics& diagnostics) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._+-=,").find(c) != std::string_view::npos;
  };
  if (id.empty() || id[0] == '.' || id[0] == '-' || !std::all_of(id.begin(), id.end(), fits)) {
    diagnostics.error(place, concat("the row id '", excerpt(id), "' is no name for a folder"),
                      "use letters, digits and . _ + - = , and begin with none of . -");
    return false;
  }
  if (id.size() <= kMaxIdBytes) return true;
  diagnostics.error(place, concat("the row id '", excerpt(id), "' is longer than ", kMaxIdBytes, " characters"),
                    "shorten it");
  return false;
}

class Expansion {
 public:
  Expansion(const std::vector<std::string>& sets, const Displaced& keys, base::Diagnostics& diagnostics)
      : displaced(keys), diagnostics_(diagnostics) {
    for (const std::string& text : sets) {
      Override set = read_set(text, diagnostics);
      if (!set.value.is_null() && check_set(set)) sets_.push_back(std::move(set));
    }
  }

  // Adds the rows that `config` and the axes make. `id` is empty where the sweep alone names the rows.
  void add(const std::string& id, const base::SourceSpan& place, const Node& config,
           const std::vector<AxisGroup>& groups) {
    if (is_full_) return;
    for (const SweepPoint& point : sweep_points(groups, kMaxRows, diagnostics_)) {
      const std::string dash = id.empty() || point.label.empty() ? "" : "-";
      std::string full_id = concat(id, dash, point.label);
      const base::SourceSpan& named_at = id.empty() && !point.values.empty() ? point.values[0].axis->path_span : place;
      if (full_id.empty()) full_id = "run";
      if (!point.label.empty()) full_id = base::short_name(full_id, kMaxIdBytes);  // nobody chose that name
      Node swept = config;
      std::vector<Given> given;
      for (const auto& [axis, value] : point.values) given.push_back({axis->path, axis->path_span, value, false});
      for (const Override& set : sets_) {
        if (allowed(set, point)) given.push_back({set.path, set.path_span, set.value, true});
      }
      for (const Given& one : given) {
        swept = set_path(swept, one.path, one.place, one.value, diagnostics_, displaced);
      }
      nodes_ += swept.size();
      if (table.rows.size() == kMaxRows || nodes_ > kMaxTableNodes) {
        diagnostics_.error(
            place, concat("this table makes more than ", base::with_thousands(kMaxRows), " rows, or too large ones"),
            "split it into several files");
        is_full_ = true;
        return;
      }
      add_row(std::move(full_id), named_at, swept, std::move(given));
    }
  }

  TableFile table;
  const Displaced& displaced;

 private:
  bool check_set(const Override& set) {
    const std::string first = set.path.substr(0, set.path.find('.'));
    if (!is_among(kTableKeys, first) && !is_among(kRowKeys, first)) return true;
    diagnostics_.error(set.path_span, concat("'", first, "' cannot be set from the command line"),
                       "keys of the experiment can, for instance optimizer.learning_rate");
    return false;
  }

  bool allowed(const Override& set, const SweepPoint& point) {
    for (const SweepPoint::Value& value : point.values) {
      if (!paths_overlap(set.path, value.axis->path)) continue;
      diagnostics_.error(set.path_span, concat("'", set.path, "' is swept by the file"),
                         concat("the sweep is at ", value.axis->path_span.text()));
      return false;
    }
    return true;
  }

  void add_row(std::string id, const base::SourceSpan& place, const Node& config, std::vector<Given> given) {
    if (!check_id(id, place, diagnostics_)) return;
    const auto [first, is_new] = places_.emplace(id, place);
    if (!is_new) {
      const bool is_sweep = first->second.text() == place.text();
      diagnostics_.error(place, concat("duplicate row id '", id, "'"),
                         is_sweep ? "two values of the sweep have the same short name"
                                  : concat("first used at ", first->second.text()));
      return;
    }
    const Node* paper = config.find("paper");
    table.rows.push_back({std::move(id), paper ? without_keys(config, {"paper"}) : config, paper ? *paper : Node(),
                          place, std::move(given)});
  }

  base::Diagnostics& diagnostics_;
  std::vector<Override> sets_;
  std::map<std::string, base::SourceSpan> places_;
  size_t nodes_ = 0;
  bool is_full_ = false;
};

// Returns false if a key seems to be a misspelt one, whose loss would bring about further mistakes.
bool check_table_keys(const Node& file, base::Diagnostics& diagnostics) {
  bool sound = true;
  for (const Node::Entry& entry : file.entries()) {
    if (is_among(kTableKeys, entry.key)) continue;
    sound &= !base::closest_name(entry.key, kTableKeys);
    diagnostics.error(
        entry.key_span, concat("unknown key '", excerpt(entry.key), "' in a table"),
        concat(base::suggestion(entry.key, kTableKeys, "keys"), "; what all rows share belongs under `defaults`"));
  }
  const Node* defaults = file.find("defaults");
  if (defaults && !defaults->is_map() && !defaults->is_null())
    diagnostics.error(defaults->span(), "'defaults' must be a map");
  return sound;
}

void expand_row(const Node& row, const Node& defaults, const std::vector<AxisGroup>& file_axes, Expansion& expansion,
                base::Diagnostics& diagnostics) {
  if (row.is_null()) return;
  if (!row.is_map()) {
    return diagnostics.error(row.span(), "a row must be a map", "for instance `- {id: apg2, algorithm: apg2}`");
  }
  const Node* id = row.find("id");
  if (!id)
    return diagnostics.error(row.span(), "a row has no 'id'", "the id names the row in the report and its folder");
  if (id->is_null()) return;
  if (!id->is_scalar() || id->text().empty()) return diagnostics.error(id->span(), "'id' must be a text");
  std::vector<AxisGroup> axes = read_axes(row, diagnostics);
  axes.insert(axes.end(), file_axes.begin(), file_axes.end());
  const Node own = without_keys(row, {"id", "grid", "zip"});
  expansion.add(id->text(), id->span(), merge(defaults, own, expansion.displaced), axes);
}

void expand_table(const Node& file, Expansion& expansion, base::Diagnostics& diagnostics) {
  if (!check_table_keys(file, diagnostics)) return;
  expansion.table.table = "table";
  if (const Node* title = file.find("table")) {
    if (title->is_scalar() && !title->text().empty()) {
      expansion.table.table = title->text();
    } else if (!title->is_null()) {
      diagnostics.error(title->span(), "'table' must be a title");
    }
  }
  if (const Node* study = file.find("study")) {
    if (!study->is_scalar() && !study->is_null()) diagnostics.error(study->span(), "'study' must be a text");
    expansion.table.study = *study;
  }
  const Node* given = file.find("defaults");
  const Node defaults = given && given->is_map() ? *given : Node::map({}, file.span());
  const std::vector<AxisGroup> axes = read_axes(file, diagnostics);
  const Node* rows = file.find("rows");
  if (!rows && axes.empty()) {
    return diagnostics.error({file.span().source}, "this table has no 'rows'", "add rows, a grid or a zip");
  }
  if (!rows) return expansion.add("", given ? given->span() : file.span(), defaults, axes);
  if (rows->is_null()) return;
  if (!rows->is_sequence() || rows->items().empty()) {
    return diagnostics.error(rows->span(), "'rows' must be a list of rows",
                             "for instance `- {id: apg2, algorithm: apg2}`");
  }
  for (const Node& row : rows->items()) expand_row(row, defaults, axes, expansion, diagnostics);
}

}  // namespace

TableFile expand(const Node& file, const std::vector<std::string>& sets, base::Diagnostics& diagnostics,
                 const Displaced& displaced) {
  if (file.is_null()) return {};
  if (!file.is_map()) {
    diagnostics.error(file.span(), "a config must be a map of keys", "for instance `dataset: cifar10`");
    return {};
  }
  const auto& source = file.span().source;
  const int errors = diagnostics.errors();
  const Node whole = with_include(file, displaced, diagnostics);
  if (diagnostics.errors() > errors) return {};  // what is missing may stand in the file that could not be read
  Expansion expansion(sets, displaced, diagnostics);
  if (whole.find("table") || whole.find("study") || whole.find("defaults") || whole.find("rows")) {
    expand_table(whole, expansion, diagnostics);
  } else {
    expansion.add("", {source}, without_keys(whole, {"grid", "zip"}), read_axes(whole, diagnostics));
  }
  return std::move(expansion.table);
}

}  // namespace optdnn::config
