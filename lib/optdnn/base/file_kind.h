// What a file is by its first bytes, for messages about files that are not what they should be: the pointer that Git
// LFS leaves in a clone, the error page that a download brought, a checkpoint that is a pickle.
#pragma once

#include <string_view>

namespace optdnn::base {

struct FileKind {
  std::string_view name;  // "a Git LFS pointer, not the file itself"
  std::string_view cure;  // "`git lfs pull` gets the file"
};

inline constexpr std::string_view kTarArchive = "a tar archive", kZipArchive = "a zip archive";
// What to do about a pickle, which PyTorch writes bare or in a zip archive.
extern const std::string_view kPickleCure;

// Returns the kind, or null for bytes that begin like none of the table.
const FileKind* file_kind(std::string_view bytes);

}  // namespace optdnn::base
