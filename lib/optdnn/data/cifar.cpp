#include "optdnn/data/cifar.h"

#include <cstring>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/data/data_file.h"

namespace optdnn::data {

using base::concat;
using base::EnvironmentError;

const CifarLayout& cifar10_layout() {
  static const CifarLayout layout{
      "cifar10",
      "cifar-10-batches-bin",
      {{"data_batch_1.bin", 10000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
       {"data_batch_2.bin", 10000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
       {"data_batch_3.bin", 10000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
       {"data_batch_4.bin", 10000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
       {"data_batch_5.bin", 10000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"}},
      {"test_batch.bin", 10000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
      {{"batches.meta.txt", 10}}};
  return layout;
}

const CifarLayout& cifar100_layout() {
  static const CifarLayout layout{
      "cifar100",
      "cifar-100-binary",
      {{"train.bin", 50000, "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"}},
      {"test.bin", 10000, "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"},
      {{"coarse_label_names.txt", 20}, {"fine_label_names.txt", 100}}};
  return layout;
}

LabelledImages parse_cifar(std::string_view bytes, const CifarLayout& layout, int64_t records, size_t label,
                           const std::string& place) {
  const int64_t size = layout.record_bytes(), pixels = 3 * 32 * 32;
  if (std::ssize(bytes) != records * size) {
    throw EnvironmentError(concat(place, " is ", bytes.size(), " bytes, wanted ", records, " records of ", size));
  }
  LabelledImages read{torch::empty({records, 3, 32, 32}, torch::kUInt8), torch::empty({records}, torch::kInt64)};
  uint8_t* image = read.images_NCHW.mutable_data_ptr<uint8_t>();
  int64_t* labels = read.labels_N.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < records; ++i) {
    const char* record = bytes.data() + i * size;
    for (size_t j = 0; j < layout.labels.size(); ++j) {
      const int value = static_cast<unsigned char>(record[j]);
      if (value >= layout.labels[j].classes) {
        throw EnvironmentError(concat(place, ": record ", i, " (byte ", i * size + static_cast<int64_t>(j),
                                      ") has label ", value, ", wanted 0 to ", layout.labels[j].classes - 1));
      }
      if (j == label) labels[i] = value;
    }
    std::memcpy(image + i * pixels, record + layout.labels.size(), pixels);
  }
  return read;
}

LabelledImages read_cifar(const CifarLayout& layout, const std::filesystem::path& data_root, Split split,
                          size_t label) {
  const auto files = split == Split::train ? layout.train : std::vector{layout.test};
  std::vector<torch::Tensor> images, labels;
  for (const CifarFile& file : files) {
    const auto path = data_root / layout.folder / file.name;
    const std::string bytes = read_data_file(path, file.records * layout.record_bytes(), file.sha256, layout.name);
    const LabelledImages part =
        with_fetch_hint(layout.name, [&] { return parse_cifar(bytes, layout, file.records, label, path.string()); });
    images.push_back(part.images_NCHW);
    labels.push_back(part.labels_N);
  }
  return {torch::cat(images), torch::cat(labels)};
}

std::vector<std::string> read_cifar_class_names(const CifarLayout& layout, const std::filesystem::path& data_root,
                                                size_t label) {
  const CifarLabel& wanted = layout.labels.at(label);
  const auto path = data_root / layout.folder / wanted.names_file;
  const std::string text = with_fetch_hint(layout.name, [&] { return base::read_file(path, 1 << 16); });
  std::vector<std::string> names;
  for (const std::string& line : base::split(text, '\n')) {
    if (const std::string name = base::trim(line); !name.empty()) names.push_back(name);
  }
  if (std::ssize(names) != wanted.classes) {
    throw EnvironmentError(
        concat(path.string(), " holds ", names.size(), " class names, wanted ", wanted.classes, ", one per line"),
        fetch_hint(layout.name));
  }
  return names;
}

namespace {

// Mean and standard deviation of the training images' pixels.
const ImageStatistics kCifar10Statistics{{0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616}};
const ImageStatistics kCifar100Statistics{{0.5071, 0.4865, 0.4409}, {0.2673, 0.2564, 0.2762}};

std::unique_ptr<DataSet> cifar_set(const ImageSpec& spec, const CifarLayout& layout, size_t label,
                                   const ImageStatistics& statistics, const Place& place) {
  const LabelledImages train = read_cifar(layout, place.root, Split::train, label);
  const LabelledImages test = read_cifar(layout, place.root, Split::test, label);
  return std::make_unique<ImageSet>(train, test, layout.labels.at(label).classes,
                                    read_cifar_class_names(layout, place.root, label), statistics, spec, place.device,
                                    spec.validation);
}

}  // namespace

const base::NameTable<Cifar100Labels>& enum_names(Cifar100Labels) {
  static const base::NameTable<Cifar100Labels> table(
      "kinds of labels",
      {{"fine", "100 classes", Cifar100Labels::fine}, {"coarse", "20 classes", Cifar100Labels::coarse}});
  return table;
}

std::unique_ptr<DataSet> Cifar10Spec::make(const Place& place) const {
  return cifar_set(*this, cifar10_layout(), 0, kCifar10Statistics, place);
}

std::unique_ptr<DataSet> Cifar100Spec::make(const Place& place) const {
  const size_t label = labels == Cifar100Labels::coarse ? 0 : 1;
  return cifar_set(*this, cifar100_layout(), label, kCifar100Statistics, place);
}

}  // namespace optdnn::data
