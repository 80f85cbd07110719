// What tar archives in the wild hold beside plain files: links, long names, doubles, odd names, other archives' bytes.
#include "optdnn/photos/tar_index.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/made_files.h"
#include "support/made_tar.h"

using namespace optdnn;
using namespace optdnn::photos;
using namespace optdnn::test;
using tests::contains_text;

namespace {

std::vector<TarMember> indexed(const std::string& bytes) {
  const auto read = [&](uint64_t offset, uint64_t count) {
    return offset < bytes.size() ? bytes.substr(offset, count) : std::string();
  };
  return index_tar(read, bytes.size(), "test");
}

// "a.jpg=AA, b.jpg: a link to no file of the archive"
std::string contents(const std::string& bytes) {
  std::vector<std::string> texts;
  for (const TarMember& member : indexed(bytes)) {
    texts.push_back(member.unread.empty() ? base::concat(member.path, "=", bytes.substr(member.offset, member.bytes))
                                          : base::concat(member.path, ": ", member.unread));
  }
  return base::join(texts, ", ");
}

const TarEntry kA{"cat/a.jpg", "AA"};

}  // namespace

TEST_CASE("links to files of an archive are those files") {
  CHECK(contents(tar_of(kA, TarEntry{"cat/h.jpg", "", '1', "cat/a.jpg"})) == "cat/a.jpg=AA, cat/h.jpg=AA");
  CHECK(contents(tar_of(kA, TarEntry{"cat/s.jpg", "", '2', "a.jpg"})) == "cat/a.jpg=AA, cat/s.jpg=AA");
  CHECK(contents(tar_of(TarEntry{"dog/s.jpg", "", '2', ".././cat//a.jpg"}, kA)) == "dog/s.jpg=AA, cat/a.jpg=AA");
  CHECK(contents(tar_of(TarEntry{"1", "", '2', "2"}, TarEntry{"2", "", '2', "cat/a.jpg"}, kA)) ==
        "1=AA, 2=AA, cat/a.jpg=AA");
  // A size beside a link means nothing: no data follow.
  std::string sized = tar_entry({"h", std::string(700, 'x'), '1', "cat/a.jpg"}).substr(0, 512);
  CHECK(contents(tar_entry(kA) + sized + tar_of(TarEntry{"b", "B"})) == "cat/a.jpg=AA, h=AA, b=B");
}

TEST_CASE("links that lead nowhere, devices and sparse files are no damage, and not read") {
  for (const char* target : {"gone.jpg", "/etc/passwd", "../../a.jpg", "s.jpg", ""}) {
    CAPTURE(target);
    CHECK(contents(tar_of(kA, TarEntry{"cat/s.jpg", "", '2', target})) ==
          "cat/a.jpg=AA, cat/s.jpg: a link to no file of the archive");
  }
  CHECK(contents(tar_of(TarEntry{"x", "", '2', "y"}, TarEntry{"y", "", '2', "x"})).find("=") == std::string::npos);
  CHECK(contents(tar_of(TarEntry{"h", "", '1', "later"}, TarEntry{"later", "L"})) ==
        "h: a link to no file of the archive, later=L");
  for (const char type : {'3', '4', '6', 'V', 'M', 'Q'})
    CHECK(contents(tar_of(TarEntry{"d", "", type}, kA)) == "d: no plain file, cat/a.jpg=AA");
  CHECK(contents(tar_of(TarEntry{"s", "xx", 'S'}, kA)) == "s: a sparse file, cat/a.jpg=AA");
  const std::string record = pax_line("GNU.sparse.major", "1") + pax_line("path", "GNUSparseFile.0/s");
  CHECK(contents(tar_of(TarEntry{"p", record, 'x'}, TarEntry{"s", "xx"}, kA)) ==
        "GNUSparseFile.0/s: a sparse file, cat/a.jpg=AA");
}

TEST_CASE("a member stored twice counts once, the last") {
  CHECK(contents(tar_of(kA, TarEntry{"b", "B"}, TarEntry{"./cat//a.jpg", "new"})) == "b=B, cat/a.jpg=new");
  CHECK(contents(tar_of(kA, TarEntry{"h", "", '1', "cat/a.jpg"}, TarEntry{"cat/a.jpg", "new"})) ==
        "h=AA, cat/a.jpg=new");
  CHECK(contents(tar_of(kA, TarEntry{"s", "", '2', "cat/a.jpg"}, TarEntry{"cat/a.jpg", "new"})) ==
        "s=new, cat/a.jpg=new");
}

TEST_CASE("odd names lead nowhere, and names that would lead out are refused") {
  CHECK(contents(tar_of(TarEntry{"Icon\r", ""}, TarEntry{"a//b", "1"}, TarEntry{"/abs", "2"}, TarEntry{"./a/./c", "3"},
                        TarEntry{"x\\y", "4"}, TarEntry{"old/", "", '\0'}, TarEntry{"..a", "5"})) ==
        "Icon\r=, a/b=1, abs=2, a/c=3, x\\y=4, ..a=5");
  for (const char* name : {"../x", "a/../../x", "/../x", "a/.."})
    CHECK_THROWS_WITH(indexed(tar_of(TarEntry{name, "x"})), contains_text("would lead out of the archive"));
}

TEST_CASE("long names and links of both kinds are read") {
  const std::string gnu = "train/n0/" + std::string(150, 'g'), pax = "train/n0/" + std::string(150, 'p');
  const std::string bytes = tar_of(
      TarEntry{"././@LongLink", gnu + '\0', 'L'}, TarEntry{"a", "1"}, TarEntry{"pax", pax_line("path", pax), 'x'},
      TarEntry{"b", "22"}, TarEntry{"folder/", "", '5'}, TarEntry{"././@LongLink", gnu + '\0', 'K'},
      TarEntry{"k", "", '1', "cut"}, TarEntry{"pax", pax_line("linkpath", pax) + pax_line("mtime", "1.5"), 'x'},
      TarEntry{"l", "", '1', "cut"}, TarEntry{"global", pax_line("path", "no"), 'g'}, TarEntry{"c", "3"});
  CHECK(contents(bytes) == base::concat(gnu, "=1, ", pax, "=22, k=1, l=22, c=3"));
  const std::string sized = tar_entry({"pax", pax_line("size", "3"), 'x'}) + tar_entry({"s", ""}) + "abc";
  CHECK(contents(sized + std::string(509 + 1024, '\0')) == "s=abc");
}

TEST_CASE("an archive that is compressed or none says what it is") {
  const auto refusal = [](const std::string& bytes) {
    try {
      indexed(bytes + std::string(600, '\0'));
    } catch (const base::EnvironmentError& error) {
      return error.what() + std::string("; ") + error.hint();
    }
    return std::string();
  };
  CHECK(refusal(gzip(tar_of(kA))) == "test is no tar archive but compressed by gzip; gunzip it first");
  CHECK(refusal("PK\3\4").starts_with("test is no tar archive but a zip archive"));
  CHECK(refusal("version https://git-lfs.github.com/spec/v1\n").find("Git LFS pointer") != std::string::npos);
  CHECK(refusal(tar_of(kA).replace(3, 1, "?")).find("checksum is wrong") != std::string::npos);
  CHECK_THROWS_WITH(indexed(""), contains_text("shorter than a header"));
  CHECK_THROWS_WITH(indexed(gzip("x")), contains_text("compressed by gzip"));
  CHECK(refusal("anything") ==
        "test is damaged at byte 0: this is no header of a tar archive, its checksum is wrong; ");
}
