#include "optdnn/data/catalogue.h"

#include "optdnn/base/text.h"
#include "optdnn/data/cifar.h"
#include "optdnn/data/generated_images.h"
#include "optdnn/data/idx.h"
#include "optdnn/data/nested_rings.h"
#include "optdnn/data/parity.h"
#include "optdnn/data/photo_set.h"
#include "optdnn/data/regression_2018.h"
#include "optdnn/data/telgarsky.h"

namespace optdnn::data {

namespace fs = std::filesystem;

const base::NameTable<Cifar100Labels>& enum_names(Cifar100Labels) {
  static const base::NameTable<Cifar100Labels> table(
      "kinds of labels",
      {{"fine", "100 classes", Cifar100Labels::fine}, {"coarse", "20 classes", Cifar100Labels::coarse}});
  return table;
}

namespace {

// Mean and standard deviation of the training images' pixels.
const ImageStatistics kCifar10Statistics{{0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616}};
const ImageStatistics kCifar100Statistics{{0.5071, 0.4865, 0.4409}, {0.2673, 0.2564, 0.2762}};
const ImageStatistics kMnistStatistics{{0.1307}, {0.3081}};
const ImageStatistics kFashionMnistStatistics{{0.2860}, {0.3530}};

// What each data set is: one overload per alternative of DataSetSpec, each for shape and set.
DataShape shape_of(const Cifar10Spec&) { return {{3, 32, 32}, 10, false}; }
DataShape shape_of(const Cifar100Spec& s) { return {{3, 32, 32}, s.labels == Cifar100Labels::fine ? 100 : 20, false}; }
DataShape shape_of(const MnistSpec&) { return {{1, 28, 28}, 10, false}; }
DataShape shape_of(const FashionMnistSpec&) { return {{1, 28, 28}, 10, false}; }
DataShape shape_of(const GeneratedImagesSpec& s) { return {{s.channels, s.size_px, s.size_px}, s.classes, false}; }
DataShape shape_of(const NestedRingsSpec&) { return {{2}, 2, false}; }
DataShape shape_of(const ParitySpec& s) { return {{s.d}, 2, false}; }
DataShape shape_of(const TelgarskySpec&) { return {{1}, 1, true}; }
DataShape shape_of(const photos::PhotoSpec& s) { return {{3, s.size_px, s.size_px}, s.classes, false}; }
DataShape shape_of(const Regression2018Spec& s) { return {{s.d}, s.d, true}; }

using Made = std::unique_ptr<DataSet>;

Made cifar(const ImageSpec& spec, const CifarLayout& layout, size_t label, const ImageStatistics& statistics,
           const fs::path& root, const torch::Device& device) {
  const LabelledImages train = read_cifar(layout, root, Split::train, label);
  const LabelledImages test = read_cifar(layout, root, Split::test, label);
  return std::make_unique<ImageSet>(train, test, layout.labels.at(label).classes,
                                    read_cifar_class_names(layout, root, label), statistics, spec, device,
                                    spec.validation);
}

Made idx(const ImageSpec& spec, const IdxLayout& layout, std::vector<std::string> class_names,
         const ImageStatistics& statistics, const fs::path& root, const torch::Device& device) {
  const LabelledImages train = read_idx_images(layout, root, Split::train);
  const LabelledImages test = read_idx_images(layout, root, Split::test);
  return std::make_unique<ImageSet>(train, test, 10, std::move(class_names), statistics, spec, device, spec.validation);
}

Made made(const Cifar10Spec& spec, const fs::path& root, const torch::Device& device) {
  return cifar(spec, cifar10_layout(), 0, kCifar10Statistics, root, device);
}

Made made(const Cifar100Spec& spec, const fs::path& root, const torch::Device& device) {
  const size_t label = spec.labels == Cifar100Labels::coarse ? 0 : 1;
  return cifar(spec, cifar100_layout(), label, kCifar100Statistics, root, device);
}

Made made(const MnistSpec& spec, const fs::path& root, const torch::Device& device) {
  return idx(spec, mnist_layout(), {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, kMnistStatistics, root, device);
}

Made made(const FashionMnistSpec& spec, const fs::path& root, const torch::Device& device) {
  return idx(spec, fashion_mnist_layout(),
             {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
             kFashionMnistStatistics, root, device);
}

Made made(const GeneratedImagesSpec& spec, const fs::path&, const torch::Device& device) {
  const std::vector<double> half(spec.channels, 0.5), quarter(spec.channels, 0.25);
  return std::make_unique<ImageSet>(generate_images(spec, Split::train), generate_images(spec, Split::test),
                                    spec.classes, std::vector<std::string>{}, ImageStatistics{half, quarter}, spec,
                                    device, spec.validation);
}

Made made(const NestedRingsSpec& spec, const fs::path&, const torch::Device&) {
  return std::make_unique<NestedRings>(spec);
}

Made made(const ParitySpec& spec, const fs::path&, const torch::Device&) { return std::make_unique<Parity>(spec); }

Made made(const TelgarskySpec& spec, const fs::path&, const torch::Device&) {
  return std::make_unique<Telgarsky>(spec);
}

Made made(const Regression2018Spec& spec, const fs::path&, const torch::Device&) {
  return std::make_unique<Regression2018>(spec);
}

// Batches are made on the CPU, by the loader's threads.
template <class Photos>
requires std::derived_from<Photos, photos::PhotoSpec> Made made(const Photos& spec, const fs::path& root,
                                                                const torch::Device&) {
  return std::make_unique<PhotoSet>(spec, Photos::kName, root, spec.validation);
}

}  // namespace

std::unique_ptr<DataSet> make_dataset(const DataSetSpec& spec, const fs::path& data_root, const std::string& device) {
  return std::visit([&](const auto& s) { return made(s, data_root, torch::Device(device)); }, spec);
}

std::string_view dataset_name(const DataSetSpec& spec) {
  return std::visit([](const auto& s) { return s.kName; }, spec);
}

DataShape dataset_shape(const DataSetSpec& spec) {
  return std::visit([](const auto& s) { return shape_of(s); }, spec);
}

bool has_validation(const DataSetSpec& spec) {
  return std::visit([](const auto& s) { return s.validation.has_value(); }, spec);
}

int64_t batch_size(const DataSetSpec& spec) {
  return std::visit(
      [](const auto& s) {
        if constexpr (requires { s.augment; }) {
          return s.batch_size;
        } else {
          return task_size(s).batch;
        }
      },
      spec);
}

bool drop_last(const DataSetSpec& spec) {
  return std::visit(
      [](const auto& s) {
        if constexpr (requires { s.drop_last; }) {
          return s.drop_last;
        } else {
          return false;
        }
      },
      spec);
}

}  // namespace optdnn::data
