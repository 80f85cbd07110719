// What strict YAML lets pass, what it refuses, and where it says things stand.
#include <chrono>

#include "config/support.h"
#include "support/slower.h"

using namespace optdnn;
using namespace optdnn::config;

namespace {

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

// The stretch of the source that a place marks.
std::string marked(const base::SourceSpan& span) {
  return std::string(
      span.source->line(span.line).substr(static_cast<size_t>(span.column) - 1, static_cast<size_t>(span.length)));
}

}  // namespace

TEST_CASE("maps, lists, scalars of every style, anchors and comments are read in order") {
  const Node node = parse(
      "---\n"
      "b: plain text  # a comment\n"
      "a: 'it''s'\n"
      "\"c d\": \"x\\ty\"\n"
      "block: |\n  one\n  two\n"
      "folded: >-\n  one\n  two\n"
      "list:\n- 1\n- [2, {k: v}]\n"
      "same: &anchor {x: 1}\n"
      "again: *anchor\n");
  REQUIRE(node.entries().size() == 8);
  CHECK(node.entries()[0].key == "b");
  CHECK(node.find("b")->text() == "plain text");
  CHECK(node.find("a")->text() == "it's");
  CHECK(node.find("a")->is_quoted());
  CHECK(node.find("c d")->text() == "x\ty");
  CHECK(node.find("block")->text() == "one\ntwo\n");
  CHECK(node.find("block")->style() == Node::Style::literal);
  CHECK(node.find("folded")->text() == "one two");
  CHECK(node.find("list")->items()[1].items()[1].find("k")->text() == "v");
  CHECK(*node.find("again") == *node.find("same"));
  CHECK(node.find("missing") == nullptr);
  CHECK(node.find_path("same.x")->text() == "1");
  CHECK(node.find_path("same.y") == nullptr);
}

TEST_CASE("each trap of YAML is refused at its place") {
  CHECK(mistake("a: 1\nb: {c: 1, c: 2}\n") == "2:11: duplicate key 'c'");
  CHECK(mistake("a: 1\n'a': 2\n") == "2:1: duplicate key 'a'");
  CHECK(mistake("&a [*a]") == "1:5: the alias '*a' stands inside its own anchor");
  CHECK(mistake("x: &a {y: {z: *a}}") == "1:15: the alias '*a' stands inside its own anchor");
  CHECK(mistake("a: &x {b: 1}\nc: {<<: *x}\n") == "2:5: merge keys '<<' are not part of this format");
  CHECK(mistake("'<<': 1\n").empty());
  CHECK(mistake("a: !!int 3\n") == "1:4: tags are not part of this format");
  CHECK(mistake("a: ! b\n") == "1:4: tags are not part of this format");
  CHECK(mistake("!!map {a: 1}\n") == "1:1: tags are not part of this format");
  CHECK(mistake("[a, b]: 1\n") == "1:1: a key must be a text, not a list");
  CHECK(mistake("a: &k b\n*k : 1\n") == "2:1: an alias cannot be a key");
  CHECK(mistake("a: 1\n: 2\n") == "2:1: a key is missing here");
  CHECK(!mistake("? \n: 2\n").empty());
  CHECK(mistake("a:\nb: 1\n") == "1:1: 'a' has no value");
  CHECK(mistake("a: {b: null}\n") == "1:5: 'b' has no value");
  CHECK(mistake("- \n- 1\n") == "1:1: an item of this list has no value");
  CHECK(mistake("- 1\n-\n") == "2:1: an item of this list has no value");
  CHECK(mistake("a: 'null'\n").empty());
  CHECK(mistake("a: 1\n--- \nb: 1\n") == "2:1: a second document begins here");
  CHECK(mistake("a: 1\n...\n---\nb: 1\n") == "3:1: a second document begins here");
  CHECK(mistake("") == "0:0: the file is empty");
  CHECK(mistake(" \n# nothing\n") == "0:0: the file is empty");
  CHECK(mistake("---\n...\n") == "0:0: the file is empty");
  CHECK(mistake("a:\tb\n") == "1:3: a tab character");
  CHECK(mistake("a: \"b\n") == "1:4: this quote is not closed");
  CHECK(mistake("a: 'b''\nc: 1\n") == "1:4: this quote is not closed");
  CHECK(mistake(std::string("a: b\0c\n", 7)) == "1:5: a NUL byte: this is not a text file");
  CHECK(mistake("a: b\rc\n") == "1:5: a carriage return inside a line");
  CHECK(mistake("a: \x1b[2J\n") == "1:4: a control character");
  CHECK(mistake("a: b\r\nc: d\r\n").empty());
  CHECK(mistake("\xef\xbb\xbf"
                "a: b\n")
            .empty());
}

TEST_CASE("only UTF-8 is text") {
  for (const char* good : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8d\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(parse(base::concat("a: ", good)).find("a")->text() == good);
  }
  for (const char* bad : {"\xff", "\xe9", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf8\x88\x80\x80\x80", "\xe2\x82"}) {
    CHECK(mistake(base::concat("a: ", bad)) == "1:4: this byte is not UTF-8");
  }
}

TEST_CASE("deep nesting is refused before it can exhaust the stack") {
  for (const char* opening :
       {"[", "{", "- ", "? ", "[{", "{a: ", "- ? ", "[? ", "{? ", ": ", "- - : ", "!!seq [", "&a ["}) {
    INFO(opening);
    CHECK(!mistake(repeated(opening, 100'000)).empty());
  }
  std::string stairs;
  for (size_t i = 0; i < 1000; ++i) stairs += std::string(i, ' ') + "a:\n";
  CHECK(mistake(stairs).find("nested deeper") != std::string::npos);
  CHECK(mistake(repeated("[", 63) + "1" + repeated("]", 63)).empty());
  CHECK(mistake(repeated("[", 64) + "1" + repeated("]", 64)) == "1:64: nested deeper than 64 levels");
}

TEST_CASE("aliases that nest or multiply are refused") {
  std::string ladder = "a0: &a0 [x]\n";
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 100; ++i) {
    ladder += base::concat("a", i, ": &a", i, " [*a", i - 1, "]\n");
    bomb += base::concat("a", i, ": &a", i, " [*a", i - 1, ", *a", i - 1, "]\n");
  }
  CHECK(mistake(ladder).find("aliases make this file nest deeper than 64 levels") != std::string::npos);
  CHECK(mistake(bomb).find("more than 100,000 values") != std::string::npos);
}

TEST_CASE("hostile files of the largest size are answered quickly") {
  const size_t bytes = kMaxFileBytes - 16;
  for (const std::string piece : {"- 1\n", "a", "[", "]", "\"", "'", "x: {y: [", "- a: 1\n  b: 2\n", "#", " ", "\n",
                                  "|\n", "&a *a ", "[1,", "{a,", "a: ", "\\"}) {
    INFO(piece);
    const auto start = std::chrono::steady_clock::now();
    mistake(repeated(piece, bytes / piece.size()));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    CHECK(seconds.count() < 5 * tests::kSlower);
  }
  CHECK(mistake(std::string(kMaxFileBytes + 1, ' ')) == "0:0: larger than 1 MiB");
}

TEST_CASE("a syntax error is reported alone, other mistakes together") {
  base::Diagnostics alone, together;
  read_yaml(source_of("a: 1\na: 2\nb: [1, 2\n"), alone);
  CHECK(alone.errors() == 1);
  const Node node = read_yaml(source_of("a: 1\na: 2\nb:\nc: !!str x\n"), together);
  CHECK(together.errors() == 3);
  CHECK(node.find("c")->text() == "x");
}

TEST_CASE("keys and values know their places") {
  const Node node = parse("first: 1\nmap:\n  key: &x some text\n  'quoted key': \"a\\\"b\"\nlist: [aa, *x]\n");
  const Node::Entry& key = node.find("map")->entries()[0];
  CHECK(marked(key.key_span) == "key");
  CHECK(marked(key.value.span()) == "some text");
  CHECK(marked(node.find("map")->entries()[1].key_span) == "'quoted key'");
  CHECK(marked(node.find("map")->entries()[1].value.span()) == "\"a\\\"b\"");
  CHECK(marked(node.find("list")->span()) == "[");
  CHECK(node.find("list")->items()[0].origin() == "test.yaml:5");
  CHECK(node.find("list")->items()[1].origin() == "test.yaml:3");
  CHECK(Node::scalar("1").origin() == "default");
}

TEST_CASE("a stretch of a scalar is found again in the file") {
  const Node node = parse(
      "plain: y[k] = x[k] + b\n"
      "double: \"abc def\"\n"
      "single: 'abc def'\n"
      "escaped: \"a\\tb def\"\n"
      "literal: |\n\n    first = line\n      second = T(x)\n\n    third\n"
      "stripped: &a |-  # comment\n  x = q\n"
      "windows: |\r\n  one\r\n  two\r\n"
      "folded: >\n  abc\n  def\n");
  const auto found = [&](const char* key, const std::string& stretch) {
    const Node& value = *node.find(key);
    const size_t at = value.text().find(stretch);
    REQUIRE(at != std::string::npos);
    return marked(value.locate(at, stretch.size()));
  };
  CHECK(found("plain", "x[k]") == "x[k]");
  CHECK(found("double", "def") == "def");
  CHECK(found("single", "def") == "def");
  CHECK(found("escaped", "a") == "a");
  CHECK(found("escaped", "def") == "\"a\\tb def\"");
  CHECK(found("literal", "first") == "first");
  CHECK(found("literal", "T(x)") == "T(x)");
  CHECK(found("literal", "third") == "third");
  CHECK(found("stripped", "q") == "q");
  CHECK(found("windows", "two") == "two");
  CHECK(found("folded", "def") == ">");
  CHECK(node.find("literal")->locate(1, 5).text() == "test.yaml:7:5");
  CHECK(node.find("plain")->locate(1000, 5).text() == node.find("plain")->span().text());
}

TEST_CASE("a file that is not there is missed by name") {
  std::filesystem::current_path(OPTDNN_SOURCE_DIR);
  base::Diagnostics diagnostics;
  const auto failure = [&](const std::string& path) {
    try {
      read_yaml_file(path, diagnostics);
    } catch (const base::ConfigError& error) {
      return base::concat(error.what(), " | ", error.hint());
    }
    return std::string();
  };
  CHECK(failure("tests/golden/config/dunp.yaml") ==
        "there is no file 'tests/golden/config/dunp.yaml' | did you mean 'tests/golden/config/dump.yaml'?");
  CHECK(failure("tests/golden/nowhere/a.yaml") ==
        "there is no file 'tests/golden/nowhere/a.yaml' | no .yaml file is in tests/golden/nowhere");
  CHECK(failure("tests/golden") == "'tests/golden' is not a file | name a .yaml file");
  CHECK(read_yaml_file("tests/golden/config/dump.yaml", diagnostics).find("table")->text() == "Table 0");
}
