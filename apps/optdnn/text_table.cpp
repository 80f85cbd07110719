#include "text_table.h"

#include <algorithm>
#include <cstdio>

namespace optdnn::app {

namespace {

bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.,-+eM% ") == std::string::npos;
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::string text;
  std::vector<size_t> widths(rows_.front().size(), 0);
  std::vector<bool> numeric(widths.size(), rows_.size() > 1);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
      if (&row != &rows_.front() && !row[i].empty() && !is_number(row[i])) numeric[i] = false;
    }
  }
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      line += (i > 0 ? "  " : "") + (numeric[i] ? padding + row[i] : row[i] + padding);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string millions(double value) { return fixed(value / 1e6, value < 1e5 ? 4 : value < 1e7 ? 3 : 1) + " M"; }

}  // namespace optdnn::app
