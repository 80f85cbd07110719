// Files out of archives (tar, gzip, xz, ar, as libarchive knows them), read into memory. Nothing is written, so a
// hostile name leads nowhere; sizes are limited before memory is taken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::fetch {

struct Member {
  std::string path;  // inside the archive, without a leading "./"
  uint64_t max_bytes = 0;
};

// Returns the members' bytes in the order asked for. `place` names the archive in messages.
// Errors: EnvironmentError if the archive is damaged, a member is missing, there twice, no plain file, or larger than
// its limit.
std::vector<std::string> read_members(std::string_view archive, const std::vector<Member>& wanted,
                                      const std::string& place);

}  // namespace optdnn::fetch
