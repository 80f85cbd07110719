#include "optdnn/config/help.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/text_table.h"

namespace optdnn::config {

std::string with_constraint(std::string type, const Constraint& constraint) {
  const std::string text = constraint.text();
  return text.empty() ? type : base::concat(type, " ", text);
}

std::vector<HelpRow> rows_below(const std::vector<HelpRow>& rows, const std::string& path) {
  size_t begin = 0, end = rows.size();
  int indent = 0;
  std::string so_far;
  for (const std::string& segment : base::split(path, '.')) {
    std::vector<std::string> names;
    size_t found = end;
    for (size_t i = begin; i < end; ++i) {
      // A key below a choice may also be named without the choice.
      if (rows[i].indent == indent) names.push_back(rows[i].key);
      if (rows[i].indent == indent && rows[i].key == segment && found == end) found = i;
    }
    for (size_t i = begin; i < end && found == end; ++i) {
      if (rows[i].indent == indent + 1 && rows[i].key == segment) found = i;
    }
    if (found == end) {
      throw base::ConfigError(base::concat("there is no key '", segment, "'", so_far.empty() ? "" : " in ", so_far),
                              names.empty() ? "it has no keys" : base::suggestion(segment, names, "keys"));
    }
    so_far += (so_far.empty() ? "" : ".") + segment;
    begin = found;
    indent = rows[found].indent + 1;
    for (end = begin + 1; end < rows.size() && rows[end].indent >= indent;) ++end;
    if (path.size() > so_far.size()) ++begin;
  }
  std::vector<HelpRow> below(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                             rows.begin() + static_cast<std::ptrdiff_t>(end));
  for (HelpRow& row : below) row.indent -= indent - 1;
  return below;
}

std::string help_page(const std::vector<HelpRow>& rows) {
  constexpr size_t kWidest = 44;  // of a column; a longer entry moves only its own line
  base::TextTable table({"key", "type", "default", "what it is"}, kWidest);
  for (const HelpRow& row : rows) {
    table.add({std::string(2 * static_cast<size_t>(row.indent), ' ') + row.key, row.type, row.value, row.help});
  }
  return table.text();
}

}  // namespace optdnn::config
