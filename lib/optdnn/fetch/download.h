// Downloads that survive an interruption: bytes go to "<target>.part", which the next attempt continues where the
// server can, and begins anew where it cannot; the target appears when all of it is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace optdnn::fetch {

struct DownloadOptions {
  uint64_t max_bytes = 0;
  long connect_timeout_s = 5;
  long stall_timeout_s = 20;  // without a byte
};

// Errors: EnvironmentError with the reason; what has come so far is kept, unless it is more than max_bytes.
void download(const std::string& url, const std::filesystem::path& target, const DownloadOptions& options);

}  // namespace optdnn::fetch
