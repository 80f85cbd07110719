// Files that are not what they should be are told by their first bytes.
#include "optdnn/base/file_kind.h"

#include <string>

#include "support/catch.h"

using optdnn::base::file_kind;

TEST_CASE("a file is named for what it is by its first bytes") {
  const auto name = [](const std::string& bytes) {
    const auto* kind = file_kind(bytes);
    return kind ? std::string(kind->name) : "";
  };
  CHECK(name("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n").starts_with("a Git LFS pointer"));
  CHECK(name(std::string("\x80\2}q\0", 5)) == "a pickle");
  CHECK(name("PK\3\4....") == "a zip archive");
  CHECK(name("\x1f\x8b\x08") == "compressed by gzip");
  CHECK(name(std::string("\xfd") + "7zXZ" + std::string(1, '\0')) == "compressed by xz");
  CHECK(name("RIFF\1\2\3\4WEBPVP8 ") == "a WebP picture");
  CHECK(name(std::string(257, 'x') + "ustar") == "a tar archive");
  CHECK(name(std::string("\0\0\0\x18"
                         "ftypheic",
                         12))
            .find("HEIF") != std::string::npos);
  CHECK(name("").empty());
  CHECK(name("an ordinary text").empty());
  for (size_t length = 0; length < 8; ++length) CHECK(name(std::string(length, '\0')).empty());
}
