// The images of one split in the ImageNet layout, <place>/{train,val}/<class>/<image>, where the place is a folder or
// any number of tar archives beside each other. Archives are read in place. The classes are numbered in the order of
// their names, the images lie in the order of theirs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace optdnn::photos {

// A folder, or the archives <place>*.tar. Errors: EnvironmentError if there is neither.
std::vector<std::filesystem::path> image_places(const std::filesystem::path& place);

class ImageStore {
 public:
  // `split` is the folder, "train" or "val". Errors: EnvironmentError if a place cannot be read, an archive is
  // damaged, or there is no image.
  ImageStore(const std::vector<std::filesystem::path>& places, const std::string& split);
  ~ImageStore();
  ImageStore(ImageStore&&) noexcept;

  int64_t size() const { return static_cast<int64_t>(images_.size()); }
  const std::vector<std::string>& classes() const { return classes_; }
  int64_t label(int64_t i) const { return images_[i].label; }
  // Where image i is, for messages: path, or archive:path.
  std::string name(int64_t i) const;
  // The file's bytes. Safe to call from several threads. Errors: EnvironmentError if it cannot be read or is larger
  // than 256 MiB.
  std::string bytes(int64_t i) const;

 private:
  struct Place;
  struct Image {
    int32_t place, label;
    uint64_t offset, bytes;
    std::string path;
  };
  std::vector<Place> places_;
  std::vector<std::string> classes_;
  std::vector<Image> images_;
};

}  // namespace optdnn::photos
