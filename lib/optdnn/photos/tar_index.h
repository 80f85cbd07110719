// Where the files of a tar archive lie inside it, so that they can be read in place.
//   512-byte headers: name[100] mode uid gid size[12] at 124, mtime, checksum[8] at 148, type at 156, link[100] at 157,
//   "ustar" at 257, prefix[155] at 345; sizes octal or, first bit set, binary; long names and links in records of types
//   L and K (GNU) or x (POSIX pax). Source: POSIX.1-2017, pax; GNU tar's manual, "Basic Tar Format".
// Nothing is believed: checksums, sizes against the archive's own, names that would lead out of a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::photos {

struct TarMember {
  std::string path;  // relative, without empty parts, "." or ".."
  uint64_t offset = 0, bytes = 0;
  std::string_view unread = "";  // why it cannot be read, as "a link to no file of the archive"; empty for files
};

// Returns `bytes` bytes from `offset` on, fewer at the end of the archive.
using ReadAt = std::function<std::string(uint64_t offset, uint64_t bytes)>;

// The files, in order. A link to a file of the archive is that file under another name; of members with the same name
// the last counts, as when they are unpacked; folders are passed over.
// Errors: EnvironmentError naming `place`, the byte, and what the archive is if not one of tar.
std::vector<TarMember> index_tar(const ReadAt& read, uint64_t archive_bytes, const std::string& place);

// A member's path as tar programs read it: without empty parts, "." and slashes in front. Empty if it has a part "..",
// which would lead out of the folder it is put into.
std::string inner_path(std::string_view path);

}  // namespace optdnn::photos
