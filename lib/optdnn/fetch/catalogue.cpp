#include "optdnn/fetch/catalogue.h"

#include "optdnn/data/catalogue.h"
#include "optdnn/fetch/fetch.h"
#include "optdnn/fetch/fetch_photos.h"

namespace optdnn::fetch {

namespace fs = std::filesystem;

namespace {

template <void (*fetch)(const fs::path&)>
void from_its_source(const fs::path& data_root, const fs::path& from) {
  if (!from.empty()) throw base::ConfigError("this data set comes from its own source, without --from");
  fetch(data_root);
}

[[noreturn]] void refuse_own(const fs::path&, const fs::path&) {
  throw base::ConfigError("this data set is files of your own: there is nothing to fetch", "`optdnn init table FILE`");
}

template <class Spec>
base::NamedEntry<Fetch> entry(Fetch fetch) {
  return {Spec::kName, Spec::kHelp, fetch};
}

}  // namespace

const base::NameTable<Fetch>& datasets() {
  static const base::NameTable<Fetch> table(
      "data sets",
      {entry<data::Cifar10Spec>(from_its_source<fetch_cifar10>),
       entry<data::Cifar100Spec>(from_its_source<fetch_cifar100>), entry<data::MnistSpec>(from_its_source<fetch_mnist>),
       entry<data::FashionMnistSpec>(from_its_source<fetch_fashion_mnist>), entry<data::GeneratedImagesSpec>(nullptr),
       entry<data::NestedRingsSpec>(nullptr), entry<data::ParitySpec>(nullptr), entry<data::TelgarskySpec>(nullptr),
       entry<data::Regression2018Spec>(nullptr), entry<photos::ImageNetSpec>(refuse_fetch<photos::ImageNetSpec>),
       entry<photos::ImagenetteSpec>(fetch_imagenette),
       entry<photos::ImageFolderSpec>(refuse_fetch<photos::ImageFolderSpec>), entry<data::ArraysSpec>(refuse_own),
       entry<data::TableSpec>(refuse_own)});
  return table;
}

}  // namespace optdnn::fetch
