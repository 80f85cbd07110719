#include "optdnn/photos/image_listing.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/photos/image_names.h"

namespace optdnn::photos {

namespace fs = std::filesystem;
using base::concat;

namespace {

const std::string kHidden = "hidden";
const std::string kNowhere = "links that lead nowhere";
const std::string kBack = "links back into a folder above them";
const std::string kSpecial = "no plain files";
const std::string kUnplaced = "pictures outside the folders train/<class> and val/<class>";

class FolderWalk {
 public:
  FolderWalk(const fs::path& root, ImageListing& listing) : root_(root), listing_(listing) {}

  // `label` is empty for the split's own folder, whose folders are the classes.
  void walk(const fs::path& folder, const std::string& label) {
    folders_.push_back(folder);
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      const PictureKind kind = picture_kind(name);
      const Entry what = what_is(entry);
      if (is_hidden(name)) {
        if (what == Entry::folder || kind != PictureKind::none) left_out(kHidden, entry);
      } else if (what == Entry::folder) {
        if (label.empty()) listing_.classes.insert(name);
        walk(entry.path(), label.empty() ? name : label);
      } else if (what == Entry::nowhere || what == Entry::back) {
        left_out(what == Entry::back ? kBack : kNowhere, entry);
      } else if (kind != PictureKind::none && label.empty()) {
        left_out(kUnplaced, entry);
      } else if (kind == PictureKind::unread) {
        left_out(unread_reason(name), entry);
      } else if (kind == PictureKind::read && what == Entry::file) {
        listing_.images.push_back({entry.path().lexically_relative(root_), label, 0, entry.file_size()});
      } else if (kind == PictureKind::read) {
        left_out(kSpecial, entry);
      }
    }
    folders_.pop_back();
  }

 private:
  enum class Entry { folder, file, nowhere, back, special };

  Entry what_is(const fs::directory_entry& entry) const {
    if (!entry.is_symlink())  // known without asking the disk
      return entry.is_directory() ? Entry::folder : entry.is_regular_file() ? Entry::file : Entry::special;
    std::error_code error;
    const fs::file_status status = fs::status(entry.path(), error);
    if (!fs::status_known(status) || !fs::exists(status)) return Entry::nowhere;
    if (fs::is_regular_file(status)) return Entry::file;
    if (!fs::is_directory(status)) return Entry::special;
    const auto is_it = [&](const fs::path& above) { return fs::equivalent(above, entry.path()); };
    return std::any_of(folders_.begin(), folders_.end(), is_it) ? Entry::back : Entry::folder;
  }

  void left_out(const std::string& reason, const fs::directory_entry& entry) {
    listing_.left_out.add(reason, entry.path().lexically_relative(root_));
  }

  const fs::path& root_;
  ImageListing& listing_;
  std::vector<fs::path> folders_;  // that the walk is in
};

}  // namespace

ImageListing list_folder(const fs::path& root, const std::string& split) {
  ImageListing listing;
  if (fs::is_directory(root / split)) FolderWalk(root, listing).walk(root / split, "");
  return listing;
}

ImageListing list_archive(const ReadAt& read, uint64_t archive_bytes, const std::string& place_of_archive,
                          const std::string& split) {
  ImageListing listing;
  for (TarMember& member : index_tar(read, archive_bytes, place_of_archive)) {
    const PictureKind kind = picture_kind(member.path);
    if (kind == PictureKind::none) continue;
    const PicturePlace place = picture_place(member.path);
    if (place.split != split && !(place.split.empty() && split == "train")) continue;
    if (place.hidden) {
      listing.left_out.add(kHidden, member.path);
    } else if (place.label.empty()) {
      listing.left_out.add(kUnplaced, member.path);
    } else if (kind == PictureKind::unread) {
      listing.left_out.add(unread_reason(member.path), member.path);
    } else if (!member.unread.empty()) {
      listing.left_out.add(std::string(member.unread), member.path);
    } else {
      std::string label(place.label);
      listing.classes.insert(label);
      listing.images.push_back({std::move(member.path), std::move(label), member.offset, member.bytes});
    }
  }
  return listing;
}

}  // namespace optdnn::photos
