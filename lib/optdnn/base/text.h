// Small functions on strings: concat("width ", 16, " is not a multiple of ", 3).
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::base {

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  out.precision(10);
  (out << ... << parts);
  return out.str();
}

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);
std::string trim(std::string_view text);

// The shortest decimal text that reads back as exactly this number: 0.1, 1e-06, nan.
std::string number_text(double value);

// 1234567 -> "1,234,567".
std::string with_thousands(long long value);

}  // namespace optdnn::base
