#include "optdnn/data/own_spec.h"

#include <filesystem>

#include "optdnn/config/dump.h"
#include "optdnn/config/reader.h"

namespace optdnn::data {

namespace fs = std::filesystem;

void read_value(config::Reader& reader, const config::Node& node, FilePath& path) {
  std::string text;
  reader.read(node, text, config::not_empty());
  if (text.empty()) return;
  const auto& source = node.span().source;
  const bool in_file = source && !source->name.starts_with("--");
  const fs::path folder = in_file ? fs::path(source->name).parent_path() : fs::path();
  std::error_code ignored;
  path.path = fs::weakly_canonical(fs::absolute(folder / text), ignored).string();
  if (ignored) path.path = fs::absolute(folder / text).string();
}

config::Node dump_value(const FilePath& path) { return config::text_node(path.path); }
nlohmann::json schema_value(const FilePath&) { return {{"type", "string"}, {"minLength", 1}}; }
std::string type_text(const FilePath&) { return "file"; }

const base::NameTable<Task>& enum_names(Task) {
  static const base::NameTable<Task> table("tasks", {{"classification", "one of several classes", Task::classification},
                                                     {"regression", "numbers", Task::regression}});
  return table;
}

const base::NameTable<Standardise>& enum_names(Standardise) {
  static const base::NameTable<Standardise> table(
      "choices", {{"all", "inputs, and the targets of a regression", Standardise::all},
                  {"inputs", "inputs alone", Standardise::inputs},
                  {"none", "nothing: values are taken as they are", Standardise::none}});
  return table;
}

const base::NameTable<Separator>& enum_names(Separator) {
  static const base::NameTable<Separator> table("separators", {{"comma", ",", Separator::comma},
                                                               {"semicolon", ";", Separator::semicolon},
                                                               {"tab", "a tabulator", Separator::tab}});
  return table;
}

namespace {

void check_test(bool has_file, const OwnFields& own, config::Checker& checker) {
  if (has_file != own.test_fraction.has_value()) return;
  checker.error(has_file ? "test_fraction" : "", "the data set wants exactly one of test and test_fraction",
                "test_fraction: 0.2, or a file: test: FILE");
}

}  // namespace

void ArraysSpec::check(config::Checker& checker) const { check_test(test.has_value(), own, checker); }
void TableSpec::check(config::Checker& checker) const { check_test(test.has_value(), own, checker); }

}  // namespace optdnn::data
