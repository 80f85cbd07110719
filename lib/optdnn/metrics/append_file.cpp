#include "optdnn/metrics/append_file.h"

#include <cerrno>
#include <cstring>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::metrics {

namespace {
constexpr uint64_t kMaxBytes = uint64_t{4} << 30;
}

std::string AppendFile::content() const {
  return std::filesystem::exists(path_) ? base::read_file(path_, kMaxBytes) : "";
}

void AppendFile::replace(std::string_view bytes) {
  out_.close();
  base::write_file_atomically(path_, bytes);
}

void AppendFile::append(std::string_view bytes) {
  if (!out_.is_open()) out_.open(path_, std::ios::binary | std::ios::app);
  errno = 0;
  if (out_ << bytes << std::flush) return;
  throw base::EnvironmentError(
      base::concat("cannot write ", path_.string(), errno != 0 ? base::concat(": ", std::strerror(errno)) : ""),
      "is the disk full? After that is mended the same command goes on");
}

}  // namespace optdnn::metrics
