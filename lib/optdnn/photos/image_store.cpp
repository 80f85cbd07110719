#include "optdnn/photos/image_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/image_listing.h"

namespace optdnn::photos {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

std::vector<fs::path> image_places(const fs::path& place) {
  if (fs::is_directory(place)) return {place};
  std::vector<fs::path> archives, others;
  const fs::path folder = place.has_parent_path() ? place.parent_path() : ".";
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(place.filename().string())) continue;
      (name.ends_with(".tar") ? archives : others).push_back(entry.path());
    }
  }
  if (archives.empty()) {
    std::sort(others.begin(), others.end());
    std::vector<std::string> names;
    for (const fs::path& other : others) names.push_back(other.filename());
    throw EnvironmentError(concat(place.string(), " is missing: neither a folder of images nor archives ",
                                  place.filename().string(), "*.tar"),
                           names.empty() ? "" : concat("there is ", some_of(names), "; archives are plain ones, .tar"));
  }
  std::sort(archives.begin(), archives.end());
  return archives;
}

class ImageStore::OpenFile {
 public:
  explicit OpenFile(const fs::path& path) : path_(path), number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0) fail();
  }
  ~OpenFile() {
    if (number_ >= 0) ::close(number_);
  }
  OpenFile(OpenFile&& other) noexcept : path_(std::move(other.path_)), number_(std::exchange(other.number_, -1)) {}

  uint64_t bytes() const {
    struct stat status {};
    if (::fstat(number_, &status) != 0) fail();
    return status.st_size;
  }

  std::string read(uint64_t offset, uint64_t bytes) const {
    std::string text(bytes, '\0');
    uint64_t done = 0;
    while (done < bytes) {
      const ssize_t got = ::pread(number_, text.data() + done, bytes - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail();
      if (got == 0) break;
      done += got;
    }
    text.resize(done);
    return text;
  }

 private:
  [[noreturn]] void fail() const {
    const std::error_code reason(errno, std::generic_category());
    throw EnvironmentError(concat(path_.string(), " cannot be read: ", reason.message()), base::hint_for(reason));
  }

  fs::path path_;
  int number_;
};

struct ImageStore::Place {
  fs::path path;
  std::optional<OpenFile> archive;  // nothing for a folder
};

ImageStore::~ImageStore() = default;
ImageStore::ImageStore(ImageStore&&) noexcept = default;

namespace {

constexpr uint64_t kMaxImageBytes = uint64_t{1} << 28;

ImageListing listed(const fs::path& path, const auto& archive, const std::string& split) {
  if (!archive) return list_folder(path, split);
  return list_archive([&](uint64_t offset, uint64_t bytes) { return archive->read(offset, bytes); }, archive->bytes(),
                      path.string(), split);
}

std::string_view folder_of(std::string_view path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

ImageStore::ImageStore(const std::vector<fs::path>& places, const std::string& split) {
  std::vector<std::pair<int32_t, ListedImage>> all;
  std::set<std::string> classes;
  for (const fs::path& path : places) {
    Place& place = places_.emplace_back(Place{path, {}});
    if (!fs::is_directory(path)) place.archive.emplace(path);
    ImageListing listing = listed(path, place.archive, split);
    for (ListedImage& image : listing.images) all.emplace_back(places_.size() - 1, std::move(image));
    classes.merge(listing.classes);
    left_out_.add(listing.left_out);
  }
  const std::string whole = places.front().string();
  if (all.empty()) {
    throw EnvironmentError(concat(whole, " holds no images ", split, "/<class>/<image>.jpg"),
                           base::join(left_out(), "; "));
  }
  // The order must not depend on the disk's, nor on how the images are spread over archives.
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    const std::string_view a_folder = folder_of(a.second.path), b_folder = folder_of(b.second.path);
    return std::tie(a.second.label, a_folder, a.second.path) < std::tie(b.second.label, b_folder, b.second.path);
  });
  for (auto& [place, image] : all) {
    if (classes_.empty() || classes_.back() != image.label) classes_.push_back(image.label);
    const auto label = static_cast<int32_t>(classes_.size() - 1);
    images_.push_back({place, label, image.offset, image.bytes, std::move(image.path)});
  }
  std::vector<std::string> without;
  std::set_difference(classes.begin(), classes.end(), classes_.begin(), classes_.end(), std::back_inserter(without));
  if (without.empty()) return;
  // As torchvision refuses them: left out, they would change the numbers of the classes behind them.
  throw EnvironmentError(concat(whole, ": ", without.size(), without.size() == 1 ? " class" : " classes", " in ", split,
                                " without an image: ", some_of(without)),
                         left_out().empty() ? "images are files .jpg, .jpeg, .png" : base::join(left_out(), "; "));
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
