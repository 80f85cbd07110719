// Comma-separated values (RFC 4180): a line of names, then a line of as many cells for each row. A cell with a comma, a
// quote or a line break stands in quotes, quotes within are doubled. Empty lines are passed over; a byte order mark and
// Windows' line ends are taken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::data {

struct CsvFile {
  std::string name;                 // for messages
  std::vector<std::string> header;  // distinct, none empty
  std::vector<std::string> cells;   // row by row, without the quotes
  std::vector<int64_t> lines;       // where each row begins, from 1

  int64_t rows() const { return static_cast<int64_t>(lines.size()); }
  int64_t columns() const { return static_cast<int64_t>(header.size()); }
  const std::string& cell(int64_t row, int64_t column) const { return cells[row * columns() + column]; }
  // "my.csv:17: column 'age'"
  std::string place(int64_t row, int64_t column) const;
};

// Errors: EnvironmentError with file and line.
CsvFile parse_csv(std::string_view text, const std::string& name, char separator = ',');
// Errors: also for a file that is missing or larger than 512 MiB.
CsvFile read_csv(const std::filesystem::path& path, char separator = ',');

// By the separator that gives its line of names several columns: comma, semicolon or tab; by commas where none does.
struct SeparatedFile {
  CsvFile file;
  std::string_view separator;  // as dataset.separator has it
};
SeparatedFile read_separated(const std::filesystem::path& path);

}  // namespace optdnn::data
