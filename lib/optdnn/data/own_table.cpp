// Samples from a CSV file: every column but the target and those that are dropped is an input.
#include <algorithm>
#include <limits>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/data/csv_columns.h"
#include "optdnn/data/own_data.h"

namespace optdnn::data {

using base::concat;
using base::ConfigError;
using base::EnvironmentError;
using torch::Tensor;

namespace {

CsvFile opened(const TableSpec& spec, const std::filesystem::path& path) {
  const char separator = spec.separator == Separator::comma ? ',' : spec.separator == Separator::tab ? '\t' : ';';
  return read_csv(path, separator);
}

std::vector<std::string> input_columns(const TableSpec& spec, const CsvFile& file) {
  for (const std::string& name : spec.drop) column_of(file, name, "drop");
  std::vector<std::string> inputs;
  for (const std::string& name : file.header) {
    const bool dropped = std::find(spec.drop.begin(), spec.drop.end(), name) != spec.drop.end();
    if (name == spec.target && dropped) throw ConfigError(concat("dataset.drop leaves out the target '", name, "'"));
    if (name != spec.target && !dropped) inputs.push_back(name);
  }
  if (inputs.empty()) throw ConfigError(concat("every column of ", file.name, " is dropped or the target"));
  return inputs;
}

// Shapes: rows x columns, float64.
Tensor read_columns(const CsvFile& file, const std::vector<std::string>& names) {
  Tensor values = torch::empty({std::ssize(names), file.rows()}, torch::kFloat64);
  for (int64_t c = 0; c < std::ssize(names); ++c) {
    const std::vector<double> numbers = column_numbers(file, column_of(file, names[c], "file"));
    std::copy(numbers.begin(), numbers.end(), values.data_ptr<double>() + c * file.rows());
  }
  return values.t().contiguous();
}

void check_none_missing(const CsvFile& file, int64_t column) {
  for (int64_t row = 0; row < file.rows(); ++row) {
    if (!is_missing(file.cell(row, column))) continue;
    throw EnvironmentError(concat(file.place(row, column), " has no value"), "fill it in, or leave the row out");
  }
}

// The name of a cell's class. Integers are told apart by their size: 1 and 01 are one class.
std::string class_name(const std::string& cell, CellType type) {
  const auto number = type == CellType::integer ? cell_integer(cell) : std::nullopt;
  return number ? std::to_string(*number) : cell;
}

std::vector<std::string> class_names(const CsvFile& file, int64_t column, CellType type) {
  std::vector<std::string> names;
  for (int64_t row = 0; row < file.rows(); ++row) names.push_back(class_name(file.cell(row, column), type));
  return names;
}

// The classes of a column: integers by their size, texts by the alphabet.
std::vector<std::string> classes_of(const CsvFile& file, int64_t column, CellType type, bool asked_for) {
  std::vector<std::string> names = class_names(file, column, type);
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return type == CellType::text ? a < b : *cell_integer(a) < *cell_integer(b);
  });
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() < 2) throw EnvironmentError(concat(file.name, ": column '", file.header[column], "' has one class"));
  check_class_count(std::ssize(names), file.rows(), asked_for,
                    concat(file.name, ": column '", file.header[column], "'"));
  return names;
}

Tensor labels_of(const CsvFile& file, int64_t column, CellType type, const std::vector<std::string>& classes) {
  Tensor labels = places_of(class_names(file, column, type), classes);
  if (const auto row = first_unknown(labels)) {
    throw EnvironmentError(concat(file.place(*row, column), " is the class '", file.cell(*row, column),
                                  "', which the training set does not have"));
  }
  return labels;
}

Task task_of(const TableSpec& spec, const CsvFile& file, const ColumnInfo& target) {
  if (spec.own.task != Task::classification) check_no_commas(file, column_of(file, spec.target, "target"), target);
  const Task natural = target.type == CellType::real ? Task::regression : Task::classification;
  const Task task = spec.own.task.value_or(natural);
  if (task == Task::regression && target.type == CellType::text) {
    const int64_t row = *target.first_text, column = column_of(file, spec.target, "target");
    throw EnvironmentError(
        concat(file.place(row, column), " holds '", file.cell(row, column), "', and a regression ", "learns numbers"));
  }
  if (task == Task::classification && target.type == CellType::real) {
    throw ConfigError(concat("dataset.task: column '", spec.target, "' of ", file.name, " holds real numbers"),
                      "classes are integers or texts");
  }
  return task;
}

}  // namespace

OwnData read_own_data(const TableSpec& spec) {
  const CsvFile file = opened(spec, spec.file.path);
  const int64_t target = column_of(file, spec.target, "target");
  check_none_missing(file, target);
  OwnData data;
  data.columns = input_columns(spec, file);
  const ColumnInfo info = look_at_column(file, target);
  data.task = task_of(spec, file, info);
  if (data.task == Task::classification) data.classes = classes_of(file, target, info.type, spec.own.task.has_value());
  const auto samples_of = [&](const CsvFile& from) {
    const int64_t column = column_of(from, spec.target, "target");
    check_none_missing(from, column);
    return SampleTensors{read_columns(from, data.columns), data.task == Task::classification
                                                               ? labels_of(from, column, info.type, data.classes)
                                                               : read_columns(from, {spec.target})};
  };
  data.train = samples_of(file);
  data.sha256.push_back(base::sha256_of_file(spec.file.path));
  if (spec.test) {
    data.test = samples_of(opened(spec, spec.test->path));
    data.sha256.push_back(base::sha256_of_file(spec.test->path));
  } else {
    divide_off_test(data, spec.own);
  }
  return data;
}

namespace {

Tensor targets_in(const TableSpec& spec, const CsvFile& file, const Preparation& preparation) {
  if (std::find(file.header.begin(), file.header.end(), spec.target) == file.header.end()) return {};
  const int64_t column = column_of(file, spec.target, "target");
  if (!preparation.classes.empty()) {
    const bool integers = std::all_of(preparation.classes.begin(), preparation.classes.end(), cell_integer);
    return places_of(class_names(file, column, integers ? CellType::integer : CellType::text), preparation.classes);
  }
  Tensor values = torch::full({file.rows(), 1}, std::numeric_limits<double>::quiet_NaN(), torch::kFloat64);
  for (int64_t row = 0; row < file.rows(); ++row) {
    if (const auto number = cell_number(file.cell(row, column))) values.data_ptr<double>()[row] = *number;
  }
  return values;
}

}  // namespace

SampleTensors read_own_samples(const TableSpec& spec, const std::filesystem::path& path,
                               const Preparation& preparation) {
  const CsvFile file = opened(spec, path);
  return {standardised(read_columns(file, preparation.columns), preparation.mean, preparation.deviation),
          targets_in(spec, file, preparation)};
}

}  // namespace optdnn::data
