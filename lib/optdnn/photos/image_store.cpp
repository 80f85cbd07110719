#include "optdnn/photos/image_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/tar_index.h"

namespace optdnn::photos {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

namespace {

constexpr uint64_t kMaxImageBytes = uint64_t{1} << 28;

bool is_image(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name.ends_with(".jpg") || name.ends_with(".jpeg") || name.ends_with(".png");
}

// The class of .../<split>/<class>/<image>, or nothing for another path.
std::string class_of(const fs::path& path, const std::string& split) {
  const fs::path folder = path.parent_path();
  return is_image(path.filename()) && folder.parent_path().filename() == split ? folder.filename().string() : "";
}

class OpenFile {
 public:
  explicit OpenFile(const fs::path& path) : path_(path), number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0) throw EnvironmentError(concat(path.string(), " cannot be read"));
  }
  ~OpenFile() {
    if (number_ >= 0) ::close(number_);
  }
  OpenFile(OpenFile&& other) noexcept : path_(std::move(other.path_)), number_(std::exchange(other.number_, -1)) {}

  std::string read(uint64_t offset, uint64_t bytes) const {
    std::string text(bytes, '\0');
    uint64_t done = 0;
    while (done < bytes) {
      const ssize_t got = ::pread(number_, text.data() + done, bytes - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw EnvironmentError(concat(path_.string(), " cannot be read"));
      if (got == 0) break;
      done += got;
    }
    text.resize(done);
    return text;
  }

 private:
  fs::path path_;
  int number_;
};

struct Found {
  std::string path, label;
  uint64_t offset = 0, bytes = 0;
};

std::vector<Found> in_folder(const fs::path& root, const std::string& split) {
  std::vector<Found> found;
  if (!fs::is_directory(root / split)) return found;
  for (const auto& label : fs::directory_iterator(root / split)) {
    if (!label.is_directory()) continue;
    for (const auto& image : fs::directory_iterator(label)) {
      if (!image.is_regular_file() || !is_image(image.path().filename())) continue;
      found.push_back({image.path().lexically_relative(root), label.path().filename(), 0, image.file_size()});
    }
  }
  return found;
}

std::vector<Found> in_archive(const OpenFile& file, const fs::path& path, const std::string& split) {
  std::vector<Found> found;
  const auto read = [&](uint64_t offset, uint64_t bytes) { return file.read(offset, bytes); };
  for (TarMember& member : index_tar(read, fs::file_size(path), path.string())) {
    std::string label = class_of(member.path, split);
    if (!label.empty()) found.push_back({std::move(member.path), std::move(label), member.offset, member.bytes});
  }
  return found;
}

}  // namespace

std::vector<fs::path> image_places(const fs::path& place) {
  if (fs::is_directory(place)) return {place};
  std::vector<fs::path> archives;
  const fs::path folder = place.has_parent_path() ? place.parent_path() : ".";
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.starts_with(place.filename().string()) && name.ends_with(".tar")) archives.push_back(entry.path());
    }
  }
  if (archives.empty()) {
    throw EnvironmentError(concat(place.string(), " is missing: neither a folder of images nor archives ",
                                  place.filename().string(), "*.tar"));
  }
  std::sort(archives.begin(), archives.end());
  return archives;
}

struct ImageStore::Place {
  fs::path path;
  std::optional<OpenFile> archive;  // nothing for a folder
};

ImageStore::~ImageStore() = default;
ImageStore::ImageStore(ImageStore&&) noexcept = default;

ImageStore::ImageStore(const std::vector<fs::path>& places, const std::string& split) {
  std::vector<std::pair<int32_t, Found>> all;
  std::set<std::string> labels;
  for (const fs::path& path : places) {
    Place& place = places_.emplace_back(Place{path, {}});
    if (!fs::is_directory(path)) place.archive.emplace(path);
    for (Found& found : place.archive ? in_archive(*place.archive, path, split) : in_folder(path, split)) {
      labels.insert(found.label);
      all.emplace_back(static_cast<int32_t>(places_.size() - 1), std::move(found));
    }
  }
  if (all.empty()) {
    throw EnvironmentError(concat(places.front().string(), " holds no images ", split, "/<class>/<image>.jpg"));
  }
  // The order must not depend on the disk's, nor on how the images are spread over archives.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.label, a.second.path) < std::tie(b.second.label, b.second.path);
  });
  classes_.assign(labels.begin(), labels.end());
  for (auto& [place, found] : all) {
    const auto label = std::lower_bound(classes_.begin(), classes_.end(), found.label) - classes_.begin();
    images_.push_back({place, static_cast<int32_t>(label), found.offset, found.bytes, std::move(found.path)});
  }
}

std::string ImageStore::name(int64_t i) const {
  const Place& place = places_[images_[i].place];
  return place.archive ? concat(place.path.string(), ":", images_[i].path) : (place.path / images_[i].path).string();
}

std::string ImageStore::bytes(int64_t i) const {
  const Image& image = images_[i];
  if (image.bytes > kMaxImageBytes) {
    throw EnvironmentError(concat(name(i), " is too large: ", image.bytes, " bytes"));
  }
  const Place& place = places_[image.place];
  const std::string bytes = place.archive ? place.archive->read(image.offset, image.bytes)
                                          : OpenFile(place.path / image.path).read(0, image.bytes);
  if (bytes.size() < image.bytes) throw EnvironmentError(concat(name(i), " is damaged: it is cut off"));
  return bytes;
}

}  // namespace optdnn::photos
