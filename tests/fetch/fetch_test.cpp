// What `fetch` is made of, on files of this machine: archives, downloads, other programs.
#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/fetch/archive.h"
#include "optdnn/fetch/download.h"
#include "optdnn/fetch/sources.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/made_files.h"

using namespace optdnn;
using namespace optdnn::data;
using namespace optdnn::fetch;
using namespace optdnn::test;
using tests::contains_text;

TEST_CASE("members of an archive come in the order asked for, and nothing else does") {
  const std::string archive = tar({{"./x/a", "first"}, {"../../etc/evil", "no"}, {"x/b", "second"}, {"/abs", "no"}});
  for (const std::string& bytes : {archive, gzip(archive)}) {
    REQUIRE(read_members(bytes, {{"x/b", 100}, {"x/a", 100}}, "f") == std::vector<std::string>{"second", "first"});
  }
  REQUIRE_THROWS_WITH(read_members(archive, {{"x/c", 100}}, "f"), "f does not hold x/c");
  REQUIRE_THROWS_WITH(read_members(archive, {{"x/a", 4}}, "f"), "f: x/a is larger than the 4 bytes it may have");
  REQUIRE_THROWS_WITH(read_members(tar({{"a", "1"}, {"a", "2"}}), {{"a", 9}}, "f"), "f holds a twice");
  REQUIRE_THROWS_AS(read_members("no archive at all", {{"a", 9}}, "f"), base::EnvironmentError);
  REQUIRE_THROWS_AS(read_members(gzip(archive).substr(0, 60), {{"x/b", 100}}, "f"), base::EnvironmentError);
}

TEST_CASE("a download goes on where it was interrupted") {
  const TemporaryFolder folder = scratch("download");
  std::string content;
  for (int i = 0; i < 100000; ++i) content += static_cast<char>(i % 253);
  const auto source = folder.path() / "source", target = folder.path() / "target";
  const auto part = folder.path() / "target.part";
  base::write_file_atomically(source, content);
  const std::string url = "file://" + source.string();
  const DownloadOptions options{.max_bytes = 1 << 20};

  SECTION("from nothing") {
    download(url, target, options);
    REQUIRE(base::read_file(target, 1 << 20) == content);
  }
  SECTION("what is there already is kept, even though it differs: only the rest is fetched") {
    base::write_file_atomically(part, std::string(40000, 'x'));
    download(url, target, options);
    REQUIRE(base::read_file(target, 1 << 20) == std::string(40000, 'x') + content.substr(40000));
  }
  SECTION("a part that is longer than the file is thrown away") {
    base::write_file_atomically(part, std::string(200000, 'x'));
    download(url, target, options);
    REQUIRE(base::read_file(target, 1 << 20) == content);
  }
  SECTION("more than expected is refused") {
    REQUIRE_THROWS_WITH(download(url, target, {.max_bytes = 5000}), contains_text("more than the 5000 bytes expected"));
  }
  SECTION("no such source") {
    REQUIRE_THROWS_WITH(download(url + "2", target, options), contains_text("cannot download file://"));
    REQUIRE_FALSE(std::filesystem::exists(target));
  }
  REQUIRE_FALSE(std::filesystem::exists(part));
}

TEST_CASE("an archive pieced together wrongly is downloaded again as a whole; one that is wrong is refused") {
  const TemporaryFolder folder = scratch("web");
  const auto source = folder.path() / "archive.tar.gz";
  const auto work = folder.path() / "work";
  const std::string content(5000, 'c');
  base::write_file_atomically(source, content);
  base::make_folders(work);
  base::write_file_atomically(work / "archive.tar.gz.part", "another beginning");
  const std::string url = "file://" + source.string();
  REQUIRE(web_archive(url, base::sha256_hex(content), work) == content);
  REQUIRE(std::filesystem::is_empty(work));
  REQUIRE_THROWS_WITH(web_archive(url, base::sha256_hex("else"), work), contains_text("has changed or is damaged"));
  REQUIRE(std::filesystem::is_empty(work));
}

TEST_CASE("a program that is missing or fails says so") {
  const TemporaryFolder folder = scratch("program");
  REQUIRE_NOTHROW(run_program({"true"}, folder.path(), "install it"));
  REQUIRE_THROWS_WITH(run_program({"optdnn-no-such-program"}, folder.path(), "install it"),
                      "the program optdnn-no-such-program is not installed");
  REQUIRE_THROWS_WITH(run_program({"sh", "-c", "echo it broke >&2; exit 3"}, folder.path(), ""),
                      contains_text("failed: it broke"));
  run_program({"touch", "a; b"}, folder.path(), "");
  REQUIRE(std::filesystem::exists(folder.path() / "a; b"));
}
