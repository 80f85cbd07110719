// Where archives come from: the web, npm, Debian. Each function returns one archive's bytes; `folder` is where a
// program may leave files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace optdnn::fetch {

// Downloads into `folder`, where an interrupted download is continued, and takes the archive away again.
// Errors: EnvironmentError if there is no network, or the SHA-256 is another even after a second download.
std::string web_archive(const std::string& url, std::string_view sha256, const std::filesystem::path& folder);

// "name@version", by `npm pack`. Errors: EnvironmentError if there is no npm, or it fails.
std::string npm_archive(const std::string& package, const std::filesystem::path& folder);

// The data part of a Debian package, by `apt-get download`, which needs no root rights. Errors: as npm_archive.
std::string debian_archive(const std::string& package, const std::filesystem::path& folder);

}  // namespace optdnn::fetch
