// Reading a data set's files: whatever is wrong with one, the message names it and the command that gets it again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "optdnn/base/errors.h"

namespace optdnn::data {

struct NamedBytes {
  std::string name, bytes;
};

std::string fetch_hint(std::string_view dataset);  // "optdnn fetch cifar10 gets it"

// Calls `read`; an EnvironmentError without a hint gets fetch_hint.
template <class Read>
auto with_fetch_hint(std::string_view dataset, Read read) {
  try {
    return read();
  } catch (const base::EnvironmentError& error) {
    throw base::EnvironmentError(error.what(), error.hint().empty() ? fetch_hint(dataset) : error.hint());
  }
}

// Returns a file of exactly `bytes` bytes whose SHA-256 is `sha256` (empty: any).
// Errors: EnvironmentError "... is missing / is damaged", with fetch_hint.
std::string read_data_file(const std::filesystem::path& path, int64_t bytes, std::string_view sha256,
                           std::string_view dataset);

// Errors: EnvironmentError if the bytes are not those the hash was made of (an empty hash fits all).
void check_sha256(std::string_view bytes, std::string_view sha256, const std::string& place);

}  // namespace optdnn::data
