#include "check_data.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "optdnn/base/errors.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/data/csv_columns.h"
#include "optdnn/data/npy.h"

namespace optdnn::app {

namespace {

using nlohmann::ordered_json;

constexpr size_t kShown = 6;  // classes that are named

// {"a": 50, "b": 50}: the values of a column of integers or texts, where they are few enough to be classes.
ordered_json counted(const std::map<std::string, int64_t>& values, int64_t rows) {
  ordered_json counts = ordered_json::object();
  if (values.size() > 1000 || 2 * std::ssize(values) > rows) return counts;
  for (const auto& [value, count] : values) counts[value] = count;
  return counts;
}

ordered_json column_json(const data::CsvFile& file, int64_t column) {
  const data::ColumnInfo info = data::look_at_column(file, column);
  ordered_json json = {{"name", info.name}, {"type", data::type_text(info.type)}, {"missing", info.missing}};
  std::map<std::string, int64_t> values;
  double low = 0, high = 0;
  bool any = false;
  for (int64_t row = 0; row < file.rows(); ++row) {
    const std::string& cell = file.cell(row, column);
    if (data::is_missing(cell)) continue;
    if (info.type != data::CellType::real) ++values[cell];
    const auto number = data::cell_number(cell);
    if (info.type == data::CellType::text || !number) continue;
    low = any ? std::min(low, *number) : *number;
    high = any ? std::max(high, *number) : *number;
    any = true;
  }
  if (any) json["range"] = {low, high};
  if (info.type != data::CellType::real) {
    json["values"] = values.size();
    json["classes"] = counted(values, file.rows());
  }
  if (info.first_missing) json["first_missing"] = file.place(*info.first_missing, column);
  if (info.comma_numbers) json["comma_numbers"] = file.place(*info.first_text, column);
  return json;
}

ordered_json array_json(const std::string& name, const data::NpyArray& array) {
  ordered_json json = {{"name", name}, {"type", array.type_text()}, {"shape", array.shape()}, {"missing", 0}};
  std::map<std::string, int64_t> values;
  if (array.is_text()) {
    for (const std::string& text : array.texts) ++values[text];
  } else if (array.numbers.numel() > 0) {
    const torch::Tensor wide = array.numbers.to(torch::kFloat64).flatten();
    const torch::Tensor finite = wide.masked_select(wide.isfinite());
    json["missing"] = wide.numel() - finite.numel();
    if (finite.numel() > 0) json["range"] = {finite.min().item<double>(), finite.max().item<double>()};
    if (!array.numbers.is_floating_point() && array.numbers.dim() == 1) {
      for (int64_t i = 0; i < wide.numel(); ++i) ++values[base::number_text(wide[i].item<double>())];
    }
  }
  if (!values.empty()) {
    json["values"] = values.size();
    json["classes"] = counted(values, array.shape().front());
  }
  return json;
}

std::string classes_text(const ordered_json& column) {
  if (!column.contains("values")) return "";
  std::string text = base::concat(base::with_thousands(column["values"].get<int64_t>()), " values");
  size_t shown = 0;
  for (const auto& [name, count] : column["classes"].items()) {
    if (shown == kShown) return text + ", ...";
    text += base::concat(shown++ == 0 ? ": " : ", ", name, " (", count.dump(), ")");
  }
  return text;
}

std::string range_text(const ordered_json& column) {
  if (!column.contains("range")) return "";
  return base::concat(base::number_text(column["range"][0]), " to ", base::number_text(column["range"][1]));
}

void print_columns(const ordered_json& columns, bool arrays) {
  base::TextTable table({arrays ? "array" : "column", "type", arrays ? "shape" : "", "missing", "range", "values"});
  for (const auto& column : columns) {
    std::vector<std::string> shape;
    if (arrays) {
      for (const auto& size : column["shape"]) shape.push_back(size.dump());
    }
    table.add({column["name"], column["type"], base::join(shape, " x "), column["missing"].dump(), range_text(column),
               classes_text(column)});
  }
  std::cout << table.text();
}

// What training would refuse of a column or an array.
std::vector<std::string> mistakes(const ordered_json& column, const std::string& path) {
  std::vector<std::string> texts;
  if (column["missing"] != 0) {
    const std::string place = column.contains("first_missing")
                                  ? column["first_missing"].get<std::string>()
                                  : base::concat(path, ": ", column["name"].get<std::string>());
    texts.push_back(
        base::concat(place, " has no value",
                     column["missing"] == 1 ? "" : base::concat(", the first of ", column["missing"].dump())));
  }
  if (column.contains("comma_numbers"))
    texts.push_back(column["comma_numbers"].get<std::string>() +
                    " holds a number with a comma; numbers have a decimal point and no mark of thousands");
  return texts;
}

bool ends_in(const std::string& path, std::string_view ending) { return path.ends_with(ending); }

}  // namespace

bool is_data_file(const std::string& path) {
  return ends_in(path, ".csv") || ends_in(path, ".tsv") || ends_in(path, ".npz") || ends_in(path, ".npy");
}

int check_data_file(const std::string& path, bool json) {
  ordered_json columns = ordered_json::array();
  const bool arrays = ends_in(path, ".npz") || ends_in(path, ".npy");
  int64_t rows = 0;
  std::string_view separator;
  if (arrays) {
    for (const auto& [name, array] : data::read_array_file(path)) columns.push_back(array_json(name, array));
  } else {
    const auto [file, word] = data::read_separated(path);
    rows = file.rows();
    separator = word;
    for (int64_t column = 0; column < file.columns(); ++column) columns.push_back(column_json(file, column));
  }
  if (json) {
    std::cout << base::json_text(columns);
  } else {
    print_columns(columns, arrays);
    if (!arrays) std::cout << base::with_thousands(rows) << " rows\n";
    if (!arrays && separator != "comma")
      std::cout << "in a config: dataset: {name: table, file: " << path << ", separator: " << separator << ", ...}\n";
  }
  bool sound = true;
  for (const auto& column : columns) {
    for (const std::string& mistake : mistakes(column, path)) {
      std::cerr << mistake << '\n';
      sound = false;
    }
  }
  return static_cast<int>(sound ? base::ExitCode::success : base::ExitCode::environment);
}

}  // namespace optdnn::app
