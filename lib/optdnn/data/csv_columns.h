// The columns of a CSV file by what their cells hold: integers, real numbers, or text where any cell is neither. A cell
// that is empty or says NA, N/A, NaN, null or ? is missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optdnn/data/csv.h"

namespace optdnn::data {

enum class CellType { integer, real, text };

struct ColumnInfo {
  std::string name;
  CellType type = CellType::integer;          // of the cells that are there
  int64_t missing = 0;                        // cells
  std::optional<int64_t> first_missing = {};  // row
  std::optional<int64_t> first_text = {};     // row of the first cell that is no number
  bool comma_numbers = false;                 // each of those would be a number but for a comma, as 0,5
};

std::string_view type_text(CellType type);
bool is_missing(std::string_view cell);
std::optional<double> cell_number(std::string_view cell);  // finite
std::optional<int64_t> cell_integer(std::string_view cell);

ColumnInfo look_at_column(const CsvFile& file, int64_t column);

// Errors: EnvironmentError naming the first cell, if the column has comma_numbers.
void check_no_commas(const CsvFile& file, int64_t column, const ColumnInfo& info);

// The place of a column. Errors: ConfigError, naming those there are.
int64_t column_of(const CsvFile& file, const std::string& name, const std::string& key);

// Numbers of a column, every one there. Errors: EnvironmentError naming the cell.
std::vector<double> column_numbers(const CsvFile& file, int64_t column);

}  // namespace optdnn::data
