#include "optdnn/base/text_table.h"

#include <algorithm>

namespace optdnn::base {

namespace {

bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.,-+eM% ") == std::string::npos;
}

std::string spaces(size_t from, size_t to) { return std::string(to > from ? to - from : 0, ' '); }

}  // namespace

TextTable::TextTable(std::vector<std::string> header, size_t widest) : rows_{std::move(header)}, widest_(widest) {}

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  std::vector<bool> numeric(widths.size(), rows_.size() > 1);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(row[i].size(), widest_));
      if (&row != &rows_.front() && !row[i].empty() && !is_number(row[i])) numeric[i] = false;
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    size_t begin = 0;  // of the column
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += spaces(line.size(), std::max(begin, line.size() + 2));
      if (numeric[i]) line += spaces(row[i].size(), widths[i]);
      line += row[i];
      begin += widths[i] + 2;
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace optdnn::base
