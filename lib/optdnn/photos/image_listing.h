// The pictures of one split of a data set in the ImageNet layout (image_names.h), in a folder or in a tar archive, and
// what is left out there.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "optdnn/photos/left_out.h"
#include "optdnn/photos/tar_index.h"

namespace optdnn::photos {

struct ListedImage {
  std::string path, label;  // the path below the root, or within the archive
  uint64_t offset = 0, bytes = 0;
};

struct ImageListing {
  std::vector<ListedImage> images;
  std::set<std::string> classes;  // those of a folder even without pictures
  LeftOut left_out;
};

// Links to files and folders are followed, and left out where they lead nowhere or back.
// Errors: std::filesystem::filesystem_error if a folder cannot be read.
ImageListing list_folder(const std::filesystem::path& root, const std::string& split);

// Errors: those of index_tar.
ImageListing list_archive(const ReadAt& read, uint64_t archive_bytes, const std::string& place,
                          const std::string& split);

}  // namespace optdnn::photos
