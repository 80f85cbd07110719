#include "optdnn/photos/tar_index.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::photos {

using base::concat;

namespace {

constexpr uint64_t kBlock = 512;
constexpr uint64_t kMaxRecordBytes = 1 << 16;  // of a long name
constexpr size_t kMaxMembers = 50'000'000;

std::string_view text_at(std::string_view header, size_t offset, size_t length) {
  const std::string_view field = header.substr(offset, length);
  return field.substr(0, std::min(field.find('\0'), field.size()));
}

class TarReader {
 public:
  TarReader(const ReadAt& read, uint64_t bytes, const std::string& place) : read_(read), bytes_(bytes), place_(place) {}

  std::vector<TarMember> index() {
    std::vector<TarMember> members;
    while (at_ + kBlock <= bytes_) {
      const std::string header = read_(at_, kBlock);
      if (header.size() < kBlock) fail("it is cut off");
      if (header.find_first_not_of('\0') == std::string::npos) return members;
      check_sum(header);
      const uint64_t size = size_of(header), begin = at_ + kBlock;
      if (size > bytes_ - begin) fail("a file reaches beyond its end");
      take(header, begin, size, members);
      if (members.size() > kMaxMembers) fail("it has too many members");
      at_ = begin + (size + kBlock - 1) / kBlock * kBlock;
    }
    return members;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw base::EnvironmentError(concat(place_, " is damaged at byte ", at_, ": ", what));
  }

  uint64_t octal(std::string_view field) const {
    while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
    while (!field.empty() && (field.back() == ' ' || field.back() == '\0')) field.remove_suffix(1);
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
    if (error != std::errc() || end != field.data() + field.size()) fail("a number is none");
    return value;
  }

  void check_sum(std::string_view header) const {
    uint64_t sum = 8 * ' ';
    for (size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? 0 : static_cast<unsigned char>(header[i]);
    if (octal(text_at(header, 148, 8)) != sum) fail("this is no header of a tar archive, its checksum is wrong");
  }

  uint64_t size_of(std::string_view header) {
    if (long_size_) return *std::exchange(long_size_, std::nullopt);
    const std::string_view field = header.substr(124, 12);
    if (!(field[0] & '\x80')) return octal(text_at(header, 124, 12));
    uint64_t value = 0;
    for (size_t i = 4; i < 12; ++i) value = value << 8 | static_cast<unsigned char>(field[i]);
    if (field.substr(1, 3) != std::string_view("\0\0\0", 3)) fail("a size is negative or too large");
    return value;
  }

  std::string record(uint64_t begin, uint64_t size) const {
    if (size > kMaxRecordBytes) fail("a name is too long");
    return read_(begin, size);
  }

  void take(std::string_view header, uint64_t begin, uint64_t size, std::vector<TarMember>& members) {
    const char type = header[156];
    if (type == 'L') {
      long_path_ = record(begin, size);
      long_path_.resize(std::min(long_path_.find('\0'), long_path_.size()));
    } else if (type == 'x') {
      read_pax(record(begin, size));
    } else if (type != 'g') {
      std::string path = path_of(header);
      if (type == '5') return;
      if (type != '0' && type != '\0' && type != '7') fail(concat("'", path, "' is no plain file"));
      if (!stays_inside(path)) fail(concat("'", path, "' would lead out of the archive"));
      members.push_back({std::move(path), begin, size});
    }
  }

  std::string path_of(std::string_view header) {
    std::string path = std::exchange(long_path_, "");
    if (path.empty()) {
      const std::string_view prefix =
          header.substr(257, 6) == std::string_view("ustar\0", 6) ? text_at(header, 345, 155) : "";
      path = concat(prefix, prefix.empty() ? "" : "/", text_at(header, 0, 100));
    }
    while (path.starts_with("./")) path.erase(0, 2);
    return path;
  }

  // Lines "<length> <key>=<value>\n", the length that of the whole line.
  void read_pax(std::string_view text) {
    while (!text.empty()) {
      size_t length = 0;
      const auto [space, error] = std::from_chars(text.data(), text.data() + text.size(), length);
      const size_t digits = space - text.data();
      if (error != std::errc() || length > text.size() || length < digits + 3 || text[digits] != ' ') {
        fail("a pax record is none");
      }
      const std::string_view line = text.substr(digits + 1, length - digits - 2);
      const size_t equals = line.find('=');
      if (line.substr(0, equals) == "path") long_path_ = line.substr(std::min(line.size(), equals + 1));
      if (line.substr(0, equals) == "size") long_size_ = decimal(line.substr(std::min(line.size(), equals + 1)));
      text.remove_prefix(length);
    }
  }

  uint64_t decimal(std::string_view text) const {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) fail("a size is no number");
    return value;
  }

  const ReadAt& read_;
  uint64_t bytes_, at_ = 0;
  const std::string& place_;
  std::string long_path_;  // of the next member
  std::optional<uint64_t> long_size_;
};

}  // namespace

std::vector<TarMember> index_tar(const ReadAt& read, uint64_t archive_bytes, const std::string& place) {
  return TarReader(read, archive_bytes, place).index();
}

bool stays_inside(const std::string& path) {
  if (path.empty() || path.back() == '/') return false;
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7f) return false;
  }
  size_t begin = 0;
  while (begin <= path.size()) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = std::string_view(path).substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace optdnn::photos
