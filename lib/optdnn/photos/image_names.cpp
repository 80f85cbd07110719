#include "optdnn/photos/image_names.h"

#include "optdnn/base/text.h"

#include <algorithm>
#include <array>
#include <vector>

namespace optdnn::photos {

namespace {

constexpr std::array<std::string_view, 3> kRead = {".jpg", ".jpeg", ".png"};
constexpr std::array<std::string_view, 16> kUnread = {".webp", ".bmp", ".tif", ".tiff", ".ppm",  ".pgm",
                                                      ".jfif", ".jpe", ".gif", ".heic", ".heif", ".avif",
                                                      ".jp2",  ".jxl", ".pbm", ".tga"};

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    parts.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(std::min(path.size(), parts.back().size() + 1));
  }
  return parts;
}

}  // namespace

std::string ending_of(std::string_view name) {
  const size_t dot = name.rfind('.');
  std::string ending(dot == std::string_view::npos ? "" : name.substr(dot));
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return ending;
}

PictureKind picture_kind(std::string_view name) {
  const std::string ending = ending_of(name);
  if (std::find(kRead.begin(), kRead.end(), ending) != kRead.end()) return PictureKind::read;
  return std::find(kUnread.begin(), kUnread.end(), ending) != kUnread.end() ? PictureKind::unread : PictureKind::none;
}

std::string unread_reason(std::string_view name) {
  return base::concat("pictures of a kind that is not read, ", ending_of(name), "; convert them to JPEG or PNG");
}

bool is_hidden(std::string_view name) { return name.starts_with('.') || name == "__MACOSX"; }

PicturePlace picture_place(std::string_view path) {
  const auto parts = parts_of(path);
  const auto split =
      std::find_if(parts.begin(), parts.end(), [](auto part) { return part == "train" || part == "val"; });
  PicturePlace place;
  if (split == parts.end()) return place;
  place.split = *split;
  if (parts.end() - split > 2) place.label = split[1];
  place.hidden = std::any_of(split + 1, parts.end(), is_hidden);
  return place;
}

}  // namespace optdnn::photos
