// Which files of a data set are its pictures, by their names alone.
//
//   <anything>/{train,val}/<class>/.../<picture>     the class is the folder below train or val, as for torchvision's
//                                                    ImageFolder, which looks into all folders below a class
// Endings are compared without regard to case. Hidden entries, those that begin with a dot, belong to programs (macOS's
// ._x.jpg, Jupyter's .ipynb_checkpoints) and are no pictures.
// Source: torchvision.datasets.folder (IMG_EXTENSIONS, make_dataset). Deviation: it takes hidden entries.
#pragma once

#include <string>
#include <string_view>

namespace optdnn::photos {

enum class PictureKind { none, read, unread };
// By the ending: .jpg, .jpeg and .png are read; .webp and others, which ImageFolder or a reader might expect, are not.
PictureKind picture_kind(std::string_view name);
std::string ending_of(std::string_view name);  // ".webp", in small letters

// Why such a picture is left out (left_out.h).
std::string unread_reason(std::string_view name);

bool is_hidden(std::string_view name);

// The parts of a picture's path; `label` and `split` are empty where the path lacks them.
struct PicturePlace {
  std::string_view split, label;
  bool hidden = false;  // the picture or a folder below the split
};
PicturePlace picture_place(std::string_view path);

}  // namespace optdnn::photos
