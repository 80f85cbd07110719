#include "optdnn/fetch/archive_reader.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::fetch {

using base::concat;
using base::EnvironmentError;

ArchiveReader::ArchiveReader(std::string place)
    : place_(std::move(place)), archive_(archive_read_new(), archive_read_free) {
  archive_read_support_filter_gzip(archive_.get());
  archive_read_support_filter_xz(archive_.get());
  archive_read_support_filter_zstd(archive_.get());
  archive_read_support_format_tar(archive_.get());
  archive_read_support_format_ar(archive_.get());
}

ArchiveReader::ArchiveReader(std::string_view bytes, const std::string& place) : ArchiveReader(place) {
  check(archive_read_open_memory(archive_.get(), bytes.data(), bytes.size()), "is no archive");
}

ArchiveReader::ArchiveReader(const std::filesystem::path& path) : ArchiveReader(path.string()) {
  check(archive_read_open_filename(archive_.get(), path.c_str(), 1 << 18), "is no archive");
}

void ArchiveReader::check(int status, const char* what) const {
  if (status >= ARCHIVE_WARN) return;
  const char* why = archive_error_string(archive_.get());
  throw EnvironmentError(concat(place_, " ", what, ": ", why ? why : "unknown error"));
}

archive_entry* ArchiveReader::next() {
  archive_entry* entry = nullptr;
  const int status = archive_read_next_header(archive_.get(), &entry);
  if (status == ARCHIVE_EOF) return nullptr;
  check(status, "is damaged");
  return entry;
}

std::string ArchiveReader::bytes(const std::string& name, uint64_t max_bytes) {
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const la_ssize_t got = archive_read_data(archive_.get(), buffer, sizeof buffer);
    if (got < 0) check(ARCHIVE_FATAL, concat("is damaged at ", name).c_str());
    if (got == 0) return bytes;
    if (bytes.size() + got > max_bytes) {
      throw EnvironmentError(concat(place_, ": ", name, " is larger than the ", max_bytes, " bytes it may have"));
    }
    bytes.append(buffer, got);
  }
}

std::string path_of(archive_entry* entry) {
  const char* path = archive_entry_pathname(entry);
  return path ? path : "";
}

bool is_plain_file(archive_entry* entry) {
  return archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
}

}  // namespace optdnn::fetch
