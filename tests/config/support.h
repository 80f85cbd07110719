// Short ways to read texts in tests.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "optdnn/config/read.h"
#include "sample_spec.h"
#include "support/catch.h"

namespace optdnn::config {

inline std::shared_ptr<const base::SourceText> source_of(std::string text, std::string name = "test.yaml") {
  return std::make_shared<const base::SourceText>(base::SourceText{std::move(name), std::move(text)});
}

// The tree of a text without mistakes.
inline Node parse(const std::string& text) {
  base::Diagnostics diagnostics;
  const Node node = read_yaml(source_of(text), diagnostics);
  INFO(diagnostics.render());
  REQUIRE(!diagnostics.has_errors());
  return node;
}

// The first message of a text with a mistake, "2:5: duplicate key 'a'"; empty if it has none.
inline std::string mistake(const std::string& text) {
  base::Diagnostics diagnostics;
  read_yaml(source_of(text), diagnostics);
  if (diagnostics.all().empty()) return "";
  const base::Diagnostic& first = diagnostics.all()[0];
  return base::concat(first.span.line, ":", first.span.column, ": ", first.message);
}

// The first message of reading a text as a T.
template <class T>
std::string mistake_as(const std::string& text) {
  base::Diagnostics diagnostics;
  const Node node = read_yaml(source_of(text), diagnostics);
  read<T>(node, diagnostics, "value");
  if (diagnostics.all().empty()) return "";
  const base::Diagnostic& first = diagnostics.all()[0];
  return first.hint.empty() ? first.message : base::concat(first.message, " | ", first.hint);
}

template <class T>
T parse_as(const std::string& text) {
  base::Diagnostics diagnostics;
  const Node node = read_yaml(source_of(text), diagnostics);
  T value = read<T>(node, diagnostics, "value");
  INFO(diagnostics.render());
  REQUIRE(!diagnostics.has_errors());
  return value;
}

// Compares with a file, or writes it where OPTDNN_UPDATE_GOLDEN is set.
inline void check_golden(const std::string& path, const std::string& actual) {
  if (std::getenv("OPTDNN_UPDATE_GOLDEN")) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << actual;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream expected;
  expected << file.rdbuf();
  INFO(path);
  CHECK(actual == expected.str());
}

}  // namespace optdnn::config
