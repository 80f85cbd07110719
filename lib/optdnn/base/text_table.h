// A table of texts: columns as wide as their widest cell, two spaces apart; those that hold nothing but numbers below
// the header are right-aligned, the others left-aligned.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace optdnn::base {

class TextTable {
 public:
  // `widest`: bytes of the widest column; a longer cell moves only its own line.
  explicit TextTable(std::vector<std::string> header, size_t widest = std::numeric_limits<size_t>::max());
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  size_t widest_;
};

}  // namespace optdnn::base
