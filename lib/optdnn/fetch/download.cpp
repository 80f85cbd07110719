#include "optdnn/fetch/download.h"

#include <curl/curl.h>

#include <fstream>
#include <memory>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::fetch {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

namespace {

struct Sink {
  std::ofstream file;
  uint64_t size = 0, max_bytes = 0;
};

size_t write_some(char* bytes, size_t, size_t count, void* into) {
  auto& sink = *static_cast<Sink*>(into);
  sink.size += count;
  if (sink.size > sink.max_bytes || !sink.file.write(bytes, static_cast<std::streamsize>(count))) return 0;
  return count;
}

uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

constexpr long kSlowest = 20'000;  // bytes a second; slower than this for long, the download has stalled
constexpr long kRangeNotSatisfiable = 416;

// What an attempt to continue may end with when the server cannot, or the part is not a beginning of the file.
bool cannot_continue(CURLcode code) {
  return code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME || code == CURLE_HTTP_RETURNED_ERROR;
}

CURLcode attempt(const std::string& url, const fs::path& part, const DownloadOptions& options, std::string& reason) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(initialised ? nullptr : curl_easy_init(),
                                                                 curl_easy_cleanup);
  if (!curl) throw EnvironmentError("libcurl cannot be initialised");
  const uint64_t have = size_of(part);
  Sink sink{std::ofstream(part, std::ios::binary | std::ios::app), have, options.max_bytes};
  if (!sink.file) throw EnvironmentError(concat("cannot write ", part.string()));
  char message[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, options.connect_timeout_s);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, options.stall_timeout_s);
  curl_easy_setopt(curl.get(), CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(have));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &write_some);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &sink);
  CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  // Only "range not satisfiable" speaks of the part that is there; it is kept through any other refusal.
  if (code == CURLE_HTTP_RETURNED_ERROR && status != kRangeNotSatisfiable) code = CURLE_RECV_ERROR;
  reason = message[0] ? message : curl_easy_strerror(code);
  sink.file.flush();
  if (code == CURLE_OK && !sink.file) throw EnvironmentError(concat("cannot write ", part.string()));
  return code;
}

}  // namespace

void download(const std::string& url, const fs::path& target, const DownloadOptions& options) {
  base::make_folders(target.parent_path());
  const fs::path part = target.string() + ".part";
  std::error_code ignored;
  if (size_of(part) > options.max_bytes) fs::remove(part, ignored);
  const bool continued = size_of(part) > 0;
  std::string reason;
  CURLcode code = attempt(url, part, options, reason);
  if (continued && cannot_continue(code)) {
    fs::remove(part, ignored);
    code = attempt(url, part, options, reason);
  }
  if (code == CURLE_WRITE_ERROR) {
    fs::remove(part, ignored);
    reason = concat("the disk is full, or there are more than the ", options.max_bytes, " bytes expected");
  }
  if (code != CURLE_OK) {
    if (size_of(part) == 0) fs::remove(part, ignored);
    throw EnvironmentError(concat("cannot download ", url, ": ", reason));
  }
  std::error_code error;
  fs::rename(part, target, error);
  if (error) throw EnvironmentError(concat("cannot rename ", part.string(), ": ", error.message()));
}

}  // namespace optdnn::fetch
