#include "optdnn/data/idx.h"

#include <zlib.h>

#include <cstring>
#include <memory>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/data/data_file.h"

namespace optdnn::data {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

constexpr int64_t kClasses = 10;

const IdxLayout& mnist_layout() {
  static const IdxLayout layout{
      "mnist",
      "mnist",
      {"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
      {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
      {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
      {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}};
  return layout;
}

const IdxLayout& fashion_mnist_layout() {
  static const IdxLayout layout = [] {
    IdxLayout made{"fashion_mnist",
                   "fashion-mnist",
                   {"train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
                   {"train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
                   {"t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
                   {"t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}};
    made.elsewhere = "/usr/share/datasets/fashion-mnist";  // Debian's dataset-fashion-mnist
    return made;
  }();
  return layout;
}

std::string gunzip(std::string bytes, uint64_t max_bytes, const std::string& place) {
  if (!bytes.starts_with("\x1f\x8b")) return bytes;
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();  // 15: window bits, 16: gzip
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::string unpacked(max_bytes + 1, '\0');  // one more shows that there is too much
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
  stream.avail_out = static_cast<uInt>(unpacked.size());
  const int status = inflate(&stream, Z_FINISH);
  if (stream.avail_out == 0) throw EnvironmentError(concat(place, " unpacks to more than ", max_bytes, " bytes"));
  if (status != Z_STREAM_END || stream.avail_in != 0) {
    throw EnvironmentError(
        concat(place, " is damaged: ", stream.msg ? stream.msg : "its gzip stream does not end where it should"));
  }
  unpacked.resize(stream.total_out);
  return unpacked;
}

torch::Tensor parse_idx(std::string_view bytes, const std::vector<int64_t>& dimensions, const std::string& place) {
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  const size_t header = 4 + 4 * dimensions.size();
  const auto magic = static_cast<uint32_t>(0x0800 + dimensions.size());
  if (bytes.size() < header || number(0) != magic) {
    throw EnvironmentError(concat(place, " is no idx file of ", dimensions.size(), "-dimensional bytes"));
  }
  int64_t count = 1;
  for (size_t i = 0; i < dimensions.size(); ++i) {
    if (number(4 + 4 * i) != dimensions[i]) {
      throw EnvironmentError(concat(place, ": dimension ", i, " is ", number(4 + 4 * i), ", wanted ", dimensions[i]));
    }
    count *= dimensions[i];
  }
  if (std::ssize(bytes) != static_cast<int64_t>(header) + count) {
    throw EnvironmentError(concat(place, " is ", bytes.size(), " bytes, wanted ", header, " + ", count));
  }
  torch::Tensor read = torch::empty(dimensions, torch::kUInt8);
  std::memcpy(read.mutable_data_ptr(), bytes.data() + header, count);
  return read;
}

fs::path idx_folder(const IdxLayout& layout, const fs::path& data_root) {
  const fs::path own = data_root / layout.folder;
  for (const fs::path& folder : {own, fs::path(layout.elsewhere)}) {
    if (folder.empty()) continue;
    for (const char* suffix : {"", ".gz"}) {
      std::error_code ignored;
      if (fs::exists(folder / (layout.train_images.name + suffix), ignored)) return folder;
    }
  }
  throw EnvironmentError(
      concat("data set ", layout.name, ": ", (own / layout.train_images.name).string(), " is missing"),
      fetch_hint(layout.name));
}

LabelledImages read_idx_images(const IdxLayout& layout, const fs::path& data_root, Split split) {
  const fs::path folder = idx_folder(layout, data_root);
  const auto read = [&](const IdxFile& file, const std::vector<int64_t>& dimensions) {
    int64_t size = 4 + 4 * std::ssize(dimensions), count = 1;
    for (const int64_t dimension : dimensions) count *= dimension;
    size += count;
    fs::path path = folder / file.name;
    if (std::error_code ignored; !fs::exists(path, ignored)) path += ".gz";
    const std::string place = concat("data set ", layout.name, ": ", path.string());
    return with_fetch_hint(layout.name, [&] {
      const std::string bytes = gunzip(base::read_file(path, size + 1024), size, place);
      torch::Tensor parsed = parse_idx(bytes, dimensions, place);
      check_sha256(bytes, file.sha256, place);
      return parsed;
    });
  };
  const bool train = split == Split::train;
  const int64_t count = train ? layout.train : layout.test;
  const torch::Tensor images =
      read(train ? layout.train_images : layout.test_images, {count, layout.height, layout.width});
  const IdxFile& labels_file = train ? layout.train_labels : layout.test_labels;
  const torch::Tensor labels_N = read(labels_file, {count}).to(torch::kInt64);
  if (const int64_t largest = labels_N.max().item<int64_t>(); largest >= kClasses) {
    throw EnvironmentError(concat((folder / labels_file.name).string(), ": image ", labels_N.argmax().item<int64_t>(),
                                  " has label ", largest, ", wanted 0 to ", kClasses - 1),
                           fetch_hint(layout.name));
  }
  return {images.unsqueeze(1), labels_N};
}

namespace {

// Mean and standard deviation of the training images' pixels.
const ImageStatistics kMnistStatistics{{0.1307}, {0.3081}};
const ImageStatistics kFashionMnistStatistics{{0.2860}, {0.3530}};

std::unique_ptr<DataSet> idx_set(const ImageSpec& spec, const IdxLayout& layout, std::vector<std::string> class_names,
                                 const ImageStatistics& statistics, const Place& place) {
  const LabelledImages train = read_idx_images(layout, place.root, Split::train);
  const LabelledImages test = read_idx_images(layout, place.root, Split::test);
  return std::make_unique<ImageSet>(train, test, kClasses, std::move(class_names), statistics, spec, place.device,
                                    spec.validation);
}

}  // namespace

std::unique_ptr<DataSet> MnistSpec::make(const Place& place) const {
  return idx_set(*this, mnist_layout(), {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, kMnistStatistics, place);
}

std::unique_ptr<DataSet> FashionMnistSpec::make(const Place& place) const {
  return idx_set(
      *this, fashion_mnist_layout(),
      {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
      kFashionMnistStatistics, place);
}

}  // namespace optdnn::data
