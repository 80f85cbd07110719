// An archive (tar or ar; gzip, xz or zstd) read entry by entry, by libarchive.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace optdnn::fetch {

class ArchiveReader {
 public:
  // `place` names the archive in messages. Requires: `bytes` outlive it. Errors: EnvironmentError if it is none.
  ArchiveReader(std::string_view bytes, const std::string& place);
  explicit ArchiveReader(const std::filesystem::path& path);

  // The next entry; null behind the last. Errors: EnvironmentError if the archive is damaged.
  archive_entry* next();

  // Of the entry that next() gave, called `name` in messages. An entry may be larger than its header says, or have no
  // size there: what counts is what comes out. Errors: EnvironmentError if it is damaged or larger than `max_bytes`.
  std::string bytes(const std::string& name, uint64_t max_bytes);

 private:
  explicit ArchiveReader(std::string place);
  void check(int status, const char* what) const;

  std::string place_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
};

// As it stands in the archive; empty where it has none.
std::string path_of(archive_entry* entry);

// Whether it is a plain file, and no link to one.
bool is_plain_file(archive_entry* entry);

}  // namespace optdnn::fetch
