#include "optdnn/data/data_file.h"

#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

std::string fetch_hint(std::string_view dataset) { return concat("`optdnn fetch ", dataset, "` gets it"); }

std::string read_data_file(const fs::path& path, int64_t bytes, std::string_view sha256, std::string_view dataset) {
  return with_fetch_hint(dataset, [&] {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
      throw EnvironmentError(concat("data set ", dataset, ": ", path.string(), " is missing"));
    if (error) {
      throw EnvironmentError(concat("data set ", dataset, ": cannot read ", path.string(), ": ", error.message()),
                             base::hint_for(error));
    }
    if (static_cast<int64_t>(size) != bytes) {
      throw EnvironmentError(
          concat("data set ", dataset, ": ", path.string(), " is damaged: ", size, " bytes, wanted ", bytes));
    }
    std::string read = base::read_file(path, bytes);
    check_sha256(read, sha256, concat("data set ", dataset, ": ", path.string()));
    return read;
  });
}

void check_sha256(std::string_view bytes, std::string_view sha256, const std::string& place) {
  if (sha256.empty()) return;
  if (const std::string found = base::sha256_hex(bytes); found != sha256) {
    throw EnvironmentError(concat(place, " is damaged: its SHA-256 is ", found, ", wanted ", sha256));
  }
}

}  // namespace optdnn::data
