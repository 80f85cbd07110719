// Files read whole with a limit, and written so that a reader never meets half of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace optdnn::base {

// Returns the file's bytes. Errors: EnvironmentError if it cannot be read or is larger than `max_bytes`
// (the size is checked before memory is taken).
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

// Writes next to `path`, flushes to disk, reads it back, then renames: after a crash either the old file or the new one
// is there, whole. Errors: EnvironmentError, after which the old one is there.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// A rename in the folder survives a loss of power once this has returned.
void sync_folder(const std::filesystem::path& path);

void make_folders(const std::filesystem::path& path);

// What to do about a file system's refusal; empty where its message says enough.
std::string hint_for(const std::error_code& code);

// A name of more than `max_bytes` is cut and ends in 16 digits of its hash. File systems hold 255 (NAME_MAX).
std::string short_name(const std::string& name, size_t max_bytes = 255);

// SHA-256 as 64 hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace optdnn::base
