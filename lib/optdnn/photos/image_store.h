// The images of one split in the ImageNet layout, <place>/{train,val}/<class>/<image>, where the place is a folder or
// any number of tar archives beside each other. Archives are read in place. The classes are numbered in the order of
// their names, the images lie in the order of their folders and then of their names, as torchvision's ImageFolder has
// them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "optdnn/photos/left_out.h"

namespace optdnn::photos {

// A folder, an archive, or the archives <place>*.tar. Errors: EnvironmentError if there is none of them.
std::vector<std::filesystem::path> image_places(const std::filesystem::path& place);

class ImageStore {
 public:
  // `split` is the folder, "train" or "val". Errors: EnvironmentError if a place cannot be read, an archive is damaged,
  // there is no image, or a class has none.
  ImageStore(const std::vector<std::filesystem::path>& places, const std::string& split);
  ~ImageStore();
  ImageStore(ImageStore&&) noexcept;

  int64_t size() const { return static_cast<int64_t>(images_.size()); }
  const std::vector<std::string>& classes() const { return classes_; }
  // What looks like an image and is none of them, a line for each reason.
  std::vector<std::string> left_out() const { return left_out_.lines(); }
  int64_t label(int64_t i) const { return images_[i].label; }
  // Where image i is, for messages: path, or archive:path.
  std::string name(int64_t i) const;
  // The file's bytes. Safe to call from several threads. Errors: EnvironmentError if it cannot be read or is larger
  // than 256 MiB.
  std::string bytes(int64_t i) const;

 private:
  class OpenFile;
  struct Place;
  struct Image {
    int32_t place, label;
    uint64_t offset, bytes;
    std::string path;
  };
  std::vector<Place> places_;
  std::vector<std::string> classes_;
  std::vector<Image> images_;
  LeftOut left_out_;
};

}  // namespace optdnn::photos
