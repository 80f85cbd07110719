#include "optdnn/data/csv_columns.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

using base::concat;
using base::EnvironmentError;

namespace {

constexpr std::string_view kMissing[] = {"", "NA", "N/A", "na", "NaN", "nan", "NAN", "null", "NULL", "?"};

template <class Number>
std::optional<Number> whole_number(std::string_view cell) {
  Number value{};
  if (cell.size() > 1 && cell.front() == '+' && cell[1] != '-') cell.remove_prefix(1);
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

bool is_comma_number(std::string cell) {
  const size_t comma = cell.find(',');
  if (comma == std::string::npos) return false;
  cell[comma] = '.';
  return cell_number(cell).has_value();
}

}  // namespace

std::string_view type_text(CellType type) {
  return type == CellType::integer ? "integer" : type == CellType::real ? "real" : "text";
}

bool is_missing(std::string_view cell) {
  return std::find(std::begin(kMissing), std::end(kMissing), cell) != std::end(kMissing);
}

std::optional<int64_t> cell_integer(std::string_view cell) { return whole_number<int64_t>(cell); }

std::optional<double> cell_number(std::string_view cell) {
  const auto value = whole_number<double>(cell);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

ColumnInfo look_at_column(const CsvFile& file, int64_t column) {
  ColumnInfo info{file.header[column]};
  bool words = false;
  for (int64_t row = 0; row < file.rows(); ++row) {
    const std::string& cell = file.cell(row, column);
    if (is_missing(cell)) {
      ++info.missing;
      if (!info.first_missing) info.first_missing = row;
    } else if (!cell_number(cell)) {
      info.type = CellType::text;
      if (!info.first_text) info.first_text = row;
      words |= !is_comma_number(cell);
    } else if (info.type == CellType::integer && !cell_integer(cell)) {
      info.type = CellType::real;
    }
  }
  info.comma_numbers = info.first_text && !words;
  return info;
}

void check_no_commas(const CsvFile& file, int64_t column, const ColumnInfo& info) {
  if (!info.comma_numbers) return;
  const int64_t row = *info.first_text;
  throw EnvironmentError(
      concat(file.place(row, column), " holds '", file.cell(row, column), "', a number with a comma"),
      "write numbers with a decimal point and no mark of thousands, as 1234.5");
}

int64_t column_of(const CsvFile& file, const std::string& name, const std::string& key) {
  const auto found = std::find(file.header.begin(), file.header.end(), name);
  if (found == file.header.end()) {
    throw base::ConfigError(concat("dataset.", key, ": ", file.name, " has no column '", name, "'"),
                            base::suggestion(name, file.header, "columns"));
  }
  return found - file.header.begin();
}

std::vector<double> column_numbers(const CsvFile& file, int64_t column) {
  std::vector<double> numbers(file.rows());
  for (int64_t row = 0; row < file.rows(); ++row) {
    const std::string& cell = file.cell(row, column);
    if (is_missing(cell)) {
      throw EnvironmentError(concat(file.place(row, column), " has no value"),
                             concat("fill it in, leave the row out, or the column: drop: [", file.header[column], "]"));
    }
    const auto number = cell_number(cell);
    if (!number) {
      check_no_commas(file, column, look_at_column(file, column));
      throw EnvironmentError(concat(file.place(row, column), " holds '", cell, "', which is no finite number"),
                             concat("inputs are numbers: write it as one, or drop: [", file.header[column], "]"));
    }
    numbers[row] = *number;
  }
  return numbers;
}

}  // namespace optdnn::data
