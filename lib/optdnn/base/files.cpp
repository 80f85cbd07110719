#include "optdnn/base/files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

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
  if (!fs::exists(path, error)) throw EnvironmentError(concat("no such file: ", path.string()));
  if (!fs::is_regular_file(path, error)) throw EnvironmentError(concat("not a regular file: ", path.string()));
  const uint64_t size = fs::file_size(path, error);
  if (error) throw EnvironmentError(concat("cannot read ", path.string(), ": ", error.message()));
  if (size > max_bytes) {
    throw EnvironmentError(
        concat(path.string(), " is ", size, " bytes, more than the ", max_bytes, " expected of such a file"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    throw EnvironmentError(concat("cannot read ", path.string(), ": ", std::strerror(errno)));
  }
  return bytes;
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = path.string() + concat(".", ::getpid(), ".part");
  const auto fail = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw EnvironmentError(concat("cannot ", what, " ", path.string(), ": ", reason));
  };
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail("write");
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      ::close(file);
      fail("write");
    }
    bytes.remove_prefix(written);
  }
  const bool flushed = ::fsync(file) == 0;
  if (::close(file) != 0 || !flushed) fail("flush");
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("rename");
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw EnvironmentError(concat("cannot make the folder ", path.string(), ": ", error.message()));
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
