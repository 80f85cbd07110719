// Data of one's own: what the YAML key `dataset` holds for `arrays`, NumPy's files, and `table`, a CSV file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "optdnn/config/fields.h"
#include "optdnn/data/image_set.h"

namespace optdnn::data {

// A path as written is relative to the file that says it, of an override to the folder one is in; it is kept absolute.
struct FilePath {
  std::string path;
  bool operator==(const FilePath&) const = default;
};
void read_value(config::Reader& reader, const config::Node& node, FilePath& path);
config::Node dump_value(const FilePath& path);
nlohmann::json schema_value(const FilePath&);
std::string type_text(const FilePath&);

// What is learnt: a class, or numbers.
enum class Task { classification, regression };
const base::NameTable<Task>& enum_names(Task);

// What the program found in the files when the config was read. A run keeps it, so that its network is known without
// them, and data that have changed are noticed.
struct Found {
  static constexpr std::string_view kHelp = "what the files hold; filled in by the program and kept with a run";
  std::vector<std::string> sha256;
  std::vector<int64_t> input;
  int64_t outputs = 0;
  Task task = Task::classification;

  template <class Fields>
  void fields(Fields& f) {
    f.required("sha256", sha256, "of each file");
    f.required("input", input, config::at_least(1), "shape of a sample");
    f.required("outputs", outputs, config::at_least(1), "classes, or numbers of a target");
    f.required("task", task, "what is learnt");
  }
};

enum class Standardise { inputs, all, none };
const base::NameTable<Standardise>& enum_names(Standardise);

// How samples of one's own are divided and prepared.
struct OwnFields {
  std::optional<double> test_fraction;
  uint64_t split_seed = 0;
  Standardise standardise = Standardise::all;
  std::optional<Task> task;
  std::optional<Found> found;

  // Nothing before the files were looked at.
  DataShape shape() const {
    return found ? DataShape{found->input, found->outputs, found->task == Task::regression} : DataShape{};
  }

  template <class Fields>
  void fields(Fields& f) {
    f("test_fraction", test_fraction, config::above(0) & config::less_than(1),
      "share of the samples that is the test set, stratified by class");
    f("split_seed", split_seed, "which samples those are; the same for every seed of the training");
    f("standardise", standardise,
      "to mean 0 and deviation 1 of the training samples: inputs, all (a regression's "
      "targets too; metrics stay in the original units) or none");
    f("task", task, "default: integers and texts are classes, real numbers a regression");
    f("found", found, "what the files hold; filled in by the program");
  }
};

struct ArraysSpec : ImageSpec {
  static constexpr std::string_view kName = "arrays";
  static constexpr std::string_view kHelp =
      "arrays of your own: an .npz file, or a folder of .npy files; vectors N x D or images N x C x H x W";
  FilePath train;
  std::optional<FilePath> test;
  std::string inputs = "x", targets = "y";
  OwnFields own;

  template <class Fields>
  void fields(Fields& f) {
    f.required("train", train, "the file or folder, relative to the config");
    f("test", test, "the test set's; or give test_fraction");
    f("inputs", inputs, config::not_empty(), "name of the array of inputs");
    f("targets", targets, config::not_empty(), "name of the array of targets");
    own.fields(f);
    ImageSpec::fields(f);
  }
  void check(config::Checker& checker) const;
  void look(const std::filesystem::path& data_root);
  DataShape shape() const { return own.shape(); }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

enum class Separator { comma, semicolon, tab };
const base::NameTable<Separator>& enum_names(Separator);

struct TableSpec {
  static constexpr std::string_view kName = "table";
  static constexpr std::string_view kHelp = "a table of your own, a CSV file: a line of names, then a sample a line";
  FilePath file;
  std::optional<FilePath> test;
  std::string target;
  std::vector<std::string> drop;
  Separator separator = Separator::comma;
  OwnFields own;
  int64_t batch_size = 128;
  bool drop_last = false;
  std::optional<ValidationSpec> validation;

  template <class Fields>
  void fields(Fields& f) {
    f.required("file", file, "the CSV file, relative to the config");
    f("test", test, "a CSV file that is the test set; or give test_fraction");
    f.required("target", target, config::not_empty(), "the column that is learnt");
    f("drop", drop, "columns that are left out; the others are inputs and hold numbers");
    f("separator", separator, "what stands between two cells");
    own.fields(f);
    f("batch_size", batch_size, config::between(1, 1 << 20), "samples per iteration");
    f("drop_last", drop_last, "leave out the last batch of an epoch where it is smaller than the others");
    f("validation", validation, "held out of the training set, stratified by class");
  }
  void check(config::Checker& checker) const;
  void look(const std::filesystem::path& data_root);
  DataShape shape() const { return own.shape(); }
  int64_t per_iteration() const { return batch_size; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

}  // namespace optdnn::data
