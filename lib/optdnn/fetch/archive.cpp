#include "optdnn/fetch/archive.h"

#include <optional>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/fetch/archive_reader.h"

namespace optdnn::fetch {

using base::concat;
using base::EnvironmentError;

namespace {

constexpr uint64_t kMaxSkippedBytes = uint64_t{1} << 32;  // of members nobody asked for
constexpr int kMaxMembers = 100000;

}  // namespace

std::vector<std::string> read_members(std::string_view bytes, const std::vector<Member>& wanted,
                                      const std::string& place) {
  ArchiveReader reader(bytes, place);
  std::vector<std::optional<std::string>> found(wanted.size());
  uint64_t skipped = 0;
  int count = 0;
  while (archive_entry* entry = reader.next()) {
    ++count;
    std::string path = path_of(entry);
    if (path.starts_with("./")) path.erase(0, 2);
    size_t i = 0;
    while (i < wanted.size() && wanted[i].path != path) ++i;
    if (i == wanted.size()) {
      skipped += archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
      if (count > kMaxMembers || skipped > kMaxSkippedBytes) throw EnvironmentError(concat(place, " is far too large"));
      continue;
    }
    if (found[i]) throw EnvironmentError(concat(place, " holds ", path, " twice"));
    if (!is_plain_file(entry)) throw EnvironmentError(concat(place, ": ", path, " is no plain file"));
    found[i] = reader.bytes(wanted[i].path, wanted[i].max_bytes);
  }
  std::vector<std::string> all;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!found[i]) throw EnvironmentError(concat(place, " does not hold ", wanted[i].path));
    all.push_back(std::move(*found[i]));
  }
  return all;
}

}  // namespace optdnn::fetch
