// The idx format of MNIST and its relatives, plain or gzipped: two zero bytes, 8 for unsigned bytes, the number of
// dimensions, each dimension as four bytes (big-endian), then the bytes, last dimension fastest.
// Source: LeCun, Cortes, Burges, the MNIST database's page.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "optdnn/data/image_set.h"

namespace optdnn::data {

struct MnistSpec : ImageSpec {
  static constexpr std::string_view kName = "mnist";
  static constexpr std::string_view kHelp = "MNIST: 60,000 + 10,000 grey images of 28 x 28, 10 digits";

  DataShape shape() const { return {{1, 28, 28}, 10, false}; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

struct FashionMnistSpec : ImageSpec {
  static constexpr std::string_view kName = "fashion_mnist";
  static constexpr std::string_view kHelp =
      "Fashion-MNIST: 60,000 + 10,000 grey images of 28 x 28, 10 kinds of clothes";

  DataShape shape() const { return {{1, 28, 28}, 10, false}; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

// Returns `bytes` unpacked if they are gzip, else as they are.
// Errors: EnvironmentError if they are damaged or would become more than `max_bytes`.
std::string gunzip(std::string bytes, uint64_t max_bytes, const std::string& place);

// Shapes: exactly `dimensions`, uint8. Errors: EnvironmentError for another header, other dimensions or another size.
torch::Tensor parse_idx(std::string_view bytes, const std::vector<int64_t>& dimensions, const std::string& place);

struct IdxFile {
  std::string name;    // "train-images-idx3-ubyte"; ".gz" may follow
  std::string sha256;  // of the unpacked bytes; empty: not known
};

// A set in the layout of MNIST: grey images of one size, ten classes.
struct IdxLayout {
  std::string name;    // of the data set, as `fetch` knows it
  std::string folder;  // inside the data folder
  IdxFile train_images, train_labels, test_images, test_labels;
  int64_t train = 60000, test = 10000, height = 28, width = 28;
  std::string elsewhere = "";  // where else the files may lie
  std::vector<IdxFile> files() const { return {train_images, train_labels, test_images, test_labels}; }
};

const IdxLayout& mnist_layout();
const IdxLayout& fashion_mnist_layout();

// Where the set's first file lies: the folder in data_root, else `elsewhere`. Errors: EnvironmentError if in neither.
std::filesystem::path idx_folder(const IdxLayout& layout, const std::filesystem::path& data_root);

// Errors: EnvironmentError naming the file and `optdnn fetch <name>`.
LabelledImages read_idx_images(const IdxLayout& layout, const std::filesystem::path& data_root, Split split);

}  // namespace optdnn::data
