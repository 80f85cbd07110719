// A table on the terminal: left-aligned text, right-aligned numbers, columns as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace optdnn::app {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "12.3 M", "853,018" and the like, for a reader; files carry the exact number.
std::string millions(double value);
std::string fixed(double value, int digits);

}  // namespace optdnn::app
