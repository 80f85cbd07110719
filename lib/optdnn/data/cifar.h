// CIFAR-10 and CIFAR-100 in the official binary layout: files of records, a record is one or two label bytes
// (CIFAR-100: coarse, fine) and 3072 pixel bytes, the red, green and blue plane of 32 x 32, row by row. Class names are
// text files with one name per line. Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
// and the data set's page.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "optdnn/data/image_set.h"

namespace optdnn::data {

struct Cifar10Spec : ImageSpec {
  static constexpr std::string_view kName = "cifar10";
  static constexpr std::string_view kHelp = "CIFAR-10: 50,000 + 10,000 colour images of 32 x 32, 10 classes";

  DataShape shape() const { return {{3, 32, 32}, 10, false}; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

enum class Cifar100Labels { fine, coarse };
const base::NameTable<Cifar100Labels>& enum_names(Cifar100Labels);

struct Cifar100Spec : ImageSpec {
  static constexpr std::string_view kName = "cifar100";
  static constexpr std::string_view kHelp = "CIFAR-100: 50,000 + 10,000 colour images of 32 x 32, 100 or 20 classes";
  Cifar100Labels labels = Cifar100Labels::fine;

  template <class Fields>
  void fields(Fields& f) {
    ImageSpec::fields(f);
    f("labels", labels, "the 100 fine or the 20 coarse classes");
  }

  DataShape shape() const { return {{3, 32, 32}, labels == Cifar100Labels::fine ? 100 : 20, false}; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

struct CifarFile {
  std::string name;
  int64_t records = 0;
  std::string sha256 = "";  // empty: not known
};

struct CifarLabel {
  std::string names_file;
  int64_t classes = 0;
};

struct CifarLayout {
  std::string name;    // of the data set, as `fetch` knows it
  std::string folder;  // inside the data folder
  std::vector<CifarFile> train;
  CifarFile test;
  std::vector<CifarLabel> labels;  // one per label byte
  int64_t record_bytes() const { return static_cast<int64_t>(labels.size()) + 3 * 32 * 32; }
};

// The hashes are those that the TorchVision package for Ruby checks the official files with; the PNG package of
// CIFAR-10 (png_atlas.h) converts to the same bytes.
const CifarLayout& cifar10_layout();
const CifarLayout& cifar100_layout();

// Takes records apart. `label` says which label byte counts. `place` names the file in messages.
// Errors: EnvironmentError if the size is not `records` records or a label is out of range.
LabelledImages parse_cifar(std::string_view bytes, const CifarLayout& layout, int64_t records, size_t label,
                           const std::string& place);

// The files of one split, joined, verified by size, hash and labels.
// Errors: EnvironmentError naming the file and `optdnn fetch <name>`.
LabelledImages read_cifar(const CifarLayout& layout, const std::filesystem::path& data_root, Split split,
                          size_t label = 0);
std::vector<std::string> read_cifar_class_names(const CifarLayout& layout, const std::filesystem::path& data_root,
                                                size_t label = 0);

}  // namespace optdnn::data
