#include "optdnn/config/help.h"

#include <algorithm>

namespace optdnn::config {

std::string with_constraint(std::string type, const Constraint& constraint) {
  const std::string text = constraint.text();
  return text.empty() ? type : base::concat(type, " ", text);
}

std::string help_page(const std::vector<HelpRow>& rows) {
  constexpr size_t kWidest = 44;  // of a column; a longer entry moves only its own line
  std::vector<std::array<std::string, 4>> lines{{"key", "type", "default", "what it is"}};
  for (const HelpRow& row : rows) {
    lines.push_back({std::string(2 * static_cast<size_t>(row.indent), ' ') + row.key, row.type, row.value, row.help});
  }
  std::array<size_t, 3> widths{};
  for (const auto& line : lines) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], std::min(line[i].size(), kWidest));
  }
  std::string page;
  for (const auto& line : lines) {
    std::string text;
    size_t column = 0;
    for (size_t i = 0; i < widths.size(); ++i) {
      text += line[i];
      column += widths[i] + 2;
      text += std::string(text.size() + 2 <= column ? column - text.size() : 2, ' ');
    }
    text += line[3];
    page += base::concat(text.substr(0, text.find_last_not_of(' ') + 1), "\n");
  }
  return page;
}

}  // namespace optdnn::config
