// Where the files of a tar archive lie inside it, so that they can be read in place.
//   512-byte headers: name[100] mode uid gid size[12] at 124, mtime, checksum[8] at 148, type at 156, link, "ustar",
//   prefix[155] at 345; sizes octal or, first bit set, binary; long names in records of type L (GNU) or x (POSIX pax).
// Nothing is believed: checksums, sizes against the archive's own, names that would lead out of a folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace optdnn::photos {

struct TarMember {
  std::string path;  // relative, without "." or ".."
  uint64_t offset = 0, bytes = 0;
};

// Returns `bytes` bytes from `offset` on, fewer at the end of the archive.
using ReadAt = std::function<std::string(uint64_t offset, uint64_t bytes)>;

// The plain files, in order; folders are passed over. Errors: EnvironmentError naming `place` and the member.
std::vector<TarMember> index_tar(const ReadAt& read, uint64_t archive_bytes, const std::string& place);

// Whether a path stays below the folder it is put into: relative, no empty part, "." or "..", no control characters.
bool stays_inside(const std::string& path);

}  // namespace optdnn::photos
