// A zip archive in memory, as NumPy writes one (.npz): the central directory at its end names the members.
//   end record     PK\5\6: members u16 at 10, directory's bytes u32 at 12, its place u32 at 16; before it zip64's
//   a member       PK\1\2: method u16 at 10 (0 stored, 8 deflated), CRC u32 at 16, sizes u32 at 20 and 24, ...
// Format: PKWARE's APPNOTE 6.3. A member is believed only as far as it is checked: its places against the archive's
// size, its size before memory is taken, its CRC-32 afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::data {

struct ZipMember {
  std::string name;
  std::string_view stored;  // as it lies in the archive
  uint64_t bytes = 0;       // unpacked
  uint32_t crc = 0;
  bool deflated = false;
};

// `place` names the archive in messages; the members point into `bytes`. Errors: EnvironmentError.
std::vector<ZipMember> zip_members(std::string_view bytes, const std::string& place);

// Errors: EnvironmentError if the member is damaged.
std::string unzipped(const ZipMember& member, const std::string& place);

}  // namespace optdnn::data
