// Whole files in and out, SHA-256, numbers as text, devices by name.
#include "optdnn/base/files.h"

#include <rapidcheck.h>
#include <unistd.h>

#include <cmath>

#include "optdnn/base/device.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "support/catch.h"

using namespace optdnn::base;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / ("optdnn_files_test_" + std::to_string(::getpid()));
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("what is written atomically reads back, and leaves no other file behind") {
  TemporaryFolder folder;
  const fs::path file = folder.path / "a.bin";
  for (const std::string& bytes : {std::string("first"), std::string("\0binary\xff", 8), std::string()}) {
    write_file_atomically(file, bytes);
    REQUIRE(read_file(file, 100) == bytes);
  }
  REQUIRE(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that is missing, a folder, or too large is refused by name") {
  TemporaryFolder folder;
  write_file_atomically(folder.path / "a", "12345");
  REQUIRE_THROWS_AS(read_file(folder.path / "a", 4), EnvironmentError);
  REQUIRE_THROWS_AS(read_file(folder.path, 4), EnvironmentError);
  REQUIRE_THROWS_AS(read_file(folder.path / "b", 4), EnvironmentError);
  REQUIRE_THROWS_AS(write_file_atomically(folder.path / "no" / "b", "x"), EnvironmentError);
}

TEST_CASE("what the file system refuses is told with its reason, not as a missing file") {
  TemporaryFolder folder;
  fs::create_symlink("loop", folder.path / "loop");
  try {
    read_file(folder.path / "loop" / "a", 4);
    FAIL("read through a link to itself");
  } catch (const EnvironmentError& error) {
    CHECK(std::string(error.what()).find("symbolic links") != std::string::npos);
    CHECK(error.hint() == "a symbolic link leads back to itself; remove it");
  }
}

TEST_CASE("a name is cut to what file systems hold, and stays another name than its like") {
  const std::string longest(255, 'a');
  CHECK(short_name(longest) == longest);
  CHECK(short_name(longest + "b").size() == 255);
  CHECK(short_name(longest + "b") != short_name(longest + "c"));
  const std::string accents = std::string(237, 'a') + "\xc3\xa9" + std::string(100, 'b');
  CHECK(short_name(accents).substr(0, 238) == std::string(237, 'a') + "-");
}

TEST_CASE("SHA-256 of the standard's example") {
  REQUIRE(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  TemporaryFolder folder;
  write_file_atomically(folder.path / "abc", "abc");
  REQUIRE(sha256_of_file(folder.path / "abc") == sha256_hex("abc"));
}

TEST_CASE("numbers as text read back as the same number") {
  REQUIRE(rc::check([](double value) { RC_ASSERT(std::stod(number_text(value)) == value); }));
  REQUIRE(number_text(0.1) == "0.1");
  REQUIRE(number_text(std::nan("")) == "nan");
  REQUIRE(with_thousands(-1234567) == "-1,234,567");
  REQUIRE(with_thousands(999) == "999");
}

TEST_CASE("devices are read by name, and a wrong one is refused as config or as environment") {
  REQUIRE(resolve_device("cpu") == "cpu");
  for (const char* wrong : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cudax", ""}) {
    INFO(wrong);
    REQUIRE_THROWS_AS(resolve_device(wrong), ConfigError);
  }
  REQUIRE_THROWS_AS(resolve_device("cuda:99"), EnvironmentError);
}
