#include "optdnn/base/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::base {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) throw EnvironmentError(concat("no such file: ", path.string()));
  const auto refuse = [&] {
    throw EnvironmentError(concat("cannot read ", path.string(), ": ", error.message()), hint_for(error));
  };
  if (!fs::status_known(status)) refuse();
  if (!fs::is_regular_file(status)) throw EnvironmentError(concat("not a regular file: ", path.string()));
  const uint64_t size = fs::file_size(path, error);
  if (error) refuse();
  if (size > max_bytes) {
    throw EnvironmentError(
        concat(path.string(), " is ", size, " bytes, more than the ", max_bytes, " expected of such a file"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    error = {errno, std::generic_category()};
    refuse();
  }
  return bytes;
}

namespace {

// Whether what is on the disk is what was written; the pages in memory are dropped first where the system does that.
bool reads_back(const fs::path& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  std::string block(std::min<size_t>(bytes.size() + 1, 1 << 20), '\0');
  bool same = true;
  for (;;) {
    const ssize_t size = ::read(file, block.data(), block.size());
    if (size < 0 && errno == EINTR) continue;
    same = size >= 0 && static_cast<size_t>(size) <= bytes.size() && bytes.substr(0, size) == block.substr(0, size);
    if (!same || size == 0) break;
    bytes.remove_prefix(size);
  }
  ::close(file);
  return same && bytes.empty();
}

}  // namespace

void sync_folder(const fs::path& path) {
  const int folder = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && (::fsync(folder) == 0 || errno == EINVAL);  // not every file system can
  const int error = errno;
  if (folder >= 0) ::close(folder);
  if (!synced) throw EnvironmentError(concat("cannot flush the folder ", path.string(), ": ", std::strerror(error)));
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = path.string() + concat(".", ::getpid(), ".part");
  const auto fail = [&](const char* what) {
    const int error = errno;
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw EnvironmentError(concat("cannot ", what, " ", path.string(), ": ", std::strerror(error)),
                           hint_for(std::error_code(error, std::generic_category())));
  };
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail("write");
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t written = ::write(file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      ::close(file);
      errno = error;
      fail("write");
    }
    rest.remove_prefix(written);
  }
  const bool flushed = ::fsync(file) == 0;
  const int error = errno;
  const bool closed = ::close(file) == 0;
  if (!flushed) errno = error;
  if (!closed || !flushed) fail("flush");
  errno = EIO;
  if (!reads_back(temporary, bytes)) fail("read back what was written to");
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("rename");
  sync_folder(path.parent_path());
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return;
  throw EnvironmentError(concat("cannot make the folder ", path.string(), ": ", error.message()), hint_for(error));
}

std::string hint_for(const std::error_code& code) {
  if (code == std::errc::permission_denied) return "`ls -ld` shows who may read and write there";
  if (code == std::errc::too_many_symbolic_link_levels) return "a symbolic link leads back to itself; remove it";
  if (code == std::errc::filename_too_long) return "a name has at most 255 bytes, a path 4,095";
  if (code == std::errc::no_space_on_device)
    return "`df -h` shows the room that is left; with more of it the same command goes on";
  if (code == std::errc::read_only_file_system) return "choose another folder, for instance with --out";
  if (code == std::errc::not_a_directory) return "a file stands where a folder should be";
  if (code == std::errc::too_many_files_open) return "`ulimit -n` raises the number of files open at once";
  return "";
}

std::string short_name(const std::string& name, size_t max_bytes) {
  constexpr size_t kDigits = 16;
  if (name.size() <= max_bytes) return name;
  size_t end = max_bytes - kDigits - 1;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;  // not within a UTF-8 character
  return concat(name.substr(0, end), "-", sha256_hex(name).substr(0, kDigits));
}

namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Sha256 sha;
  sha.add(bytes);
  return sha.hex();
}

std::string sha256_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw EnvironmentError(concat("cannot read ", path.string()));
  Sha256 sha;
  std::string buffer(1 << 20, '\0');
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    sha.add(std::string_view(buffer).substr(0, file.gcount()));
  }
  return sha.hex();
}

}  // namespace optdnn::base
