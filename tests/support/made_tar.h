// Tar archives of any kind of member, header by header.
#pragma once

#include <string>

namespace optdnn::test {

struct TarEntry {
  std::string name, content = {};
  char type = '0';
  std::string link = {};
};

// A header with its checksum, then the content in blocks of 512 bytes.
std::string tar_entry(const TarEntry& entry);
// "19 path=some/name\n", the length that of the whole line
std::string pax_line(const std::string& key, const std::string& value);

template <class... Entry>
std::string tar_of(const Entry&... entries) {
  return (tar_entry(entries) + ...) + std::string(1024, '\0');
}

}  // namespace optdnn::test
