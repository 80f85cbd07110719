// optdnn init KIND: a config to begin with, its keys explained.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"
#include "optdnn/data/csv_columns.h"

namespace optdnn::app {

namespace fs = std::filesystem;
using base::concat;

namespace {

constexpr std::string_view kRule = R"(algorithm:
  name: my_rule                 # or the name of a built-in rule alone: `optdnn list algorithms`
  equations: |
    y[k]   = x[k] + beta*(x[k] - x[k-1])
    x[k+1] = y[k] + T(y[k])
  coefficients: {beta: {value: 0.5, learn: per_step, range: [0, 0.95]}}
)";

constexpr std::string_view kVectorNetwork = R"(module:    {name: dense_two_layer, hidden: 16}
depth:     8                    # steps of the rule
width:     8                    # of its state
optimizer: {name: adam, learning_rate: 0.01}
schedule:  {name: cosine}
)";

constexpr std::string_view kImageNetwork = R"(module:    {name: conv_preact}
depth:     [2, 2, 2]            # steps of the rule in each stage
width:     [16, 32, 64]         # channels of its state
optimizer: {name: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 5.0e-4}
schedule:  {name: cosine, warmup: {epochs: 1}}
)";

std::string rings() {
  return concat("# Points on nested rings, classes alternate from ring to ring.\n", "dataset:   {name: nested_rings}\n",
                kRule, kVectorNetwork, "train:     {length: {iterations: 1000}}\nseeds:     [0, 1, 2]\n");
}

std::string cifar10() {
  return concat("# CIFAR-10; `optdnn fetch cifar10` gets it.\n",
                "dataset:   {name: cifar10, batch_size: 128, augment: [crop, flip]}\n", kRule, kImageNetwork,
                "train:     {length: {epochs: 10}}\nseeds:     [0]\n");
}

// Where the folder is: as it is named, or below that of the data sets.
fs::path folder_of_images(const std::string& name) {
  return fs::is_directory(name) ? fs::absolute(name) : fs::path("data") / name;
}

// `place`: absolute, or below the folder of the data sets.
std::string images(const fs::path& place) {
  const std::string folder = (place.is_absolute() ? place : place.lexically_relative("data")).string();
  return concat("# Photographs of your own: ", folder, "/{train,val}/<class>/<picture>",
                place.is_absolute() ? ".\n" : " below the folder of --data.\n",
                "dataset:   {name: image_folder, folder: \"", folder,
                "\", size_px: 64, resize_px: 72, batch_size: 64, augment: [crop, flip]}\n", kRule, kImageNetwork,
                "train:     {length: {epochs: 10}}\nseeds:     [0]\n");
}

std::string quoted(const std::string& text) { return base::json_line(nlohmann::json(text)); }

// The column that names itself a target; else the only one of text, else the last.
std::string likely_target(const data::CsvFile& csv, const std::vector<data::ColumnInfo>& columns) {
  for (const char* name : {"target", "Target", "label", "Label", "class", "Class", "y", "Y"}) {
    if (std::find(csv.header.begin(), csv.header.end(), name) != csv.header.end()) return name;
  }
  std::vector<std::string> texts;
  for (const data::ColumnInfo& column : columns) {
    if (column.type == data::CellType::text) texts.push_back(column.name);
  }
  return texts.size() == 1 ? texts.front() : csv.header.back();
}

// What numbers the rows is dropped. `to`: the config, whose folder paths are relative to.
std::string table(const std::string& file, const fs::path& to) {
  std::string target = "label", separator, drop, note;
  if (fs::exists(file)) {
    const auto [csv, word] = data::read_separated(file);
    std::vector<data::ColumnInfo> columns;
    for (int64_t c = 0; c < csv.columns(); ++c) {
      columns.push_back(data::look_at_column(csv, c));
      data::check_no_commas(csv, c, columns.back());
    }
    target = likely_target(csv, columns);
    std::cout << "the column '" << target << "' is learnt; dataset.target names another\n";
    if (word != "comma") separator = concat(", separator: ", word);
    std::vector<std::string> dropped;
    for (const data::ColumnInfo& info : columns) {
      if (info.name == target) continue;
      const bool numbers_rows = info.name == "id" || info.name == "index" || info.name == "Id" || info.name == "ID";
      if (numbers_rows || info.type == data::CellType::text) dropped.push_back(quoted(info.name));
    }
    if (!dropped.empty()) drop = concat(", drop: [", base::join(dropped, ", "), "]");
    if (!dropped.empty()) note = "# Dropped are columns of text and numbers of rows.\n";
  }
  const fs::path folder = fs::absolute(to).parent_path();
  const std::string path = fs::path(file).is_absolute() ? file : fs::absolute(file).lexically_relative(folder).string();
  return concat("# The column ", quoted(target), " is learnt from the others. Integers and texts are classes, real\n",
                "# numbers a regression. `optdnn check FILE` says what the columns hold.\n", note,
                "dataset:   {name: table, file: ", quoted(path), ", target: ", quoted(target), separator, drop,
                ", test_fraction: 0.2, batch_size: 32}\n", kRule, kVectorNetwork,
                "train:     {length: {epochs: 50}}\nseeds:     [0, 1, 2, 3, 4]\n");
}

}  // namespace

void add_init(CLI::App& app, int& status) {
  struct Options {
    std::string kind, data, to;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("KIND", options->kind, "rings, cifar10, images or table")
      ->required()
      ->check(CLI::IsMember({"rings", "cifar10", "images", "table"}));
  app.add_option("DATA", options->data, "of table: the CSV file; of images: the folder");
  app.add_option("--to", options->to, "the config that is written; default: KIND.yaml");
  app.callback([options, &status] {
    const std::string& kind = options->kind;
    const std::string to = options->to.empty() ? kind + ".yaml" : options->to;
    if (fs::exists(to)) throw base::ConfigError(to + " is there already", "--to names another file");
    const std::string data = !options->data.empty() ? options->data : kind == "table" ? "my.csv" : "images";
    if (kind == "table" && !options->data.empty() && !fs::is_regular_file(data))
      throw base::EnvironmentError(concat("there is no file ", data), "DATA is the CSV file that is to be learnt");
    if (kind == "images" && !options->data.empty() && !fs::is_directory(folder_of_images(data)))
      throw base::EnvironmentError(concat("there is no folder ", data), "DATA holds {train,val}/<class>/<picture>");
    base::write_file_atomically(to, kind == "rings"     ? rings()
                                    : kind == "cifar10" ? cifar10()
                                    : kind == "images"  ? images(folder_of_images(data))
                                                        : table(data, to));
    std::cout << to << " is written\n";
    if (kind == "table" && !fs::exists(data))
      std::cout << "next: put your samples into " << data << ", the class or number to be learnt in a column 'label'\n";
    if (kind == "images" && !fs::exists(folder_of_images(data)))
      std::cout << "next: put your pictures into data/" << data << "/{train,val}/<class>/\n";
    if (kind == "cifar10") std::cout << "next: optdnn fetch cifar10\n";
    std::cout << "next: optdnn check " << to << '\n';
    status = 0;
  });
}

}  // namespace optdnn::app
