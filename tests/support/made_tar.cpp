#include "support/made_tar.h"

#include <algorithm>
#include <cstdio>

#include "optdnn/base/text.h"

namespace optdnn::test {

std::string tar_entry(const TarEntry& entry) {
  std::string text(512, '\0');
  const auto put = [&](size_t at, std::string_view field) { std::copy(field.begin(), field.end(), text.begin() + at); };
  put(0, entry.name);
  std::snprintf(text.data() + 124, 12, "%011zo", entry.content.size());
  text[156] = entry.type;
  put(157, entry.link);
  put(257, std::string_view("ustar\00000", 8));
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  std::snprintf(text.data() + 148, 8, "%06o", sum);
  text += entry.content;
  text.resize((text.size() + 511) / 512 * 512);
  return text;
}

std::string pax_line(const std::string& key, const std::string& value) {
  const std::string rest = base::concat(" ", key, "=", value, "\n");
  size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return std::to_string(length) + rest;
}

}  // namespace optdnn::test
