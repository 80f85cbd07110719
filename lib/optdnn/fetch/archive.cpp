#include "optdnn/fetch/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <optional>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::fetch {

using base::concat;
using base::EnvironmentError;

namespace {

constexpr uint64_t kMaxSkippedBytes = uint64_t{1} << 32;  // of members nobody asked for
constexpr int kMaxMembers = 100000;

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

std::string text(const char* words) { return words ? words : "unknown error"; }

// A member may be larger than its header says, or have no size there: what counts is what comes out.
std::string member_bytes(archive* from, const Member& member, const std::string& place) {
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const la_ssize_t got = archive_read_data(from, buffer, sizeof buffer);
    if (got < 0)
      throw EnvironmentError(concat(place, " is damaged at ", member.path, ": ", text(archive_error_string(from))));
    if (got == 0) return bytes;
    if (bytes.size() + got > member.max_bytes) {
      throw EnvironmentError(
          concat(place, ": ", member.path, " is larger than the ", member.max_bytes, " bytes expected of it"));
    }
    bytes.append(buffer, got);
  }
}

}  // namespace

std::vector<std::string> read_members(std::string_view bytes, const std::vector<Member>& wanted,
                                      const std::string& place) {
  const Archive reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_ar(reader.get());
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    throw EnvironmentError(concat(place, " is no archive: ", text(archive_error_string(reader.get()))));
  }
  std::vector<std::optional<std::string>> found(wanted.size());
  uint64_t skipped = 0;
  for (int count = 0;; ++count) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status < ARCHIVE_WARN) {
      throw EnvironmentError(concat(place, " is damaged: ", text(archive_error_string(reader.get()))));
    }
    const char* name = archive_entry_pathname(entry);
    std::string_view path = name ? name : "";
    if (path.starts_with("./")) path.remove_prefix(2);
    size_t i = 0;
    while (i < wanted.size() && wanted[i].path != path) ++i;
    if (i == wanted.size()) {
      skipped += archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
      if (count > kMaxMembers || skipped > kMaxSkippedBytes) throw EnvironmentError(concat(place, " is far too large"));
      continue;
    }
    if (found[i]) throw EnvironmentError(concat(place, " holds ", path, " twice"));
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry)) {
      throw EnvironmentError(concat(place, ": ", path, " is no plain file"));
    }
    found[i] = member_bytes(reader.get(), wanted[i], place);
  }
  std::vector<std::string> all;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!found[i]) throw EnvironmentError(concat(place, " does not hold ", wanted[i].path));
    all.push_back(std::move(*found[i]));
  }
  return all;
}

}  // namespace optdnn::fetch
