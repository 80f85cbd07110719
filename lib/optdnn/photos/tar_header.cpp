#include "optdnn/photos/tar_header.h"

#include <algorithm>
#include <charconv>

#include "optdnn/base/text.h"

namespace optdnn::photos {

namespace {

template <class... Base>
std::optional<uint64_t> whole_number(std::string_view text, Base... base) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base...);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An empty field is 0, as other programs read it.
std::optional<uint64_t> octal(std::string_view field) {
  while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
  while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
  return field.empty() ? 0 : whole_number(field, 8);
}

}  // namespace

std::string_view TarHeader::text(size_t offset, size_t length) const {
  const std::string_view field = block_.substr(offset, length);
  return field.substr(0, std::min(field.find('\0'), field.size()));
}

// Of all bytes, the sum's own as spaces. Some old programs took bytes as signed.
bool TarHeader::has_sound_sum() const {
  uint64_t sum = 8 * ' ';
  int64_t signed_sum = 8 * ' ';
  for (size_t i = 0; i < kTarBlock; ++i) {
    if (i >= 148 && i < 156) continue;
    sum += static_cast<unsigned char>(block_[i]);
    signed_sum += static_cast<signed char>(block_[i]);
  }
  const auto said = octal(text(148, 8));
  return said && (*said == sum || static_cast<int64_t>(*said) == signed_sum);
}

std::optional<uint64_t> TarHeader::bytes() const {
  const std::string_view field = block_.substr(124, 12);
  if (!(field[0] & '\x80')) return octal(text(124, 12));
  uint64_t value = 0;
  for (size_t i = 4; i < 12; ++i) value = value << 8 | static_cast<unsigned char>(field[i]);
  if (field[0] != '\x80' || field.substr(1, 3) != std::string_view("\0\0\0", 3)) return std::nullopt;
  return value;
}

std::string TarHeader::path() const {
  const std::string_view prefix =
      block_.substr(257, 6) == std::string_view("ustar\0", 6) ? text(345, 155) : std::string_view();
  return base::concat(prefix, prefix.empty() ? "" : "/", text(0, 100));
}

std::string TarHeader::link() const { return std::string(text(157, 100)); }

bool TarRecords::read_pax(std::string_view text) {
  while (!text.empty()) {
    size_t length = 0;
    const auto [space, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    const size_t digits = space - text.data();
    if (error != std::errc() || length > text.size() || length < digits + 3 || text[digits] != ' ') return false;
    const std::string_view line = text.substr(digits + 1, length - digits - 2);
    const size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals), value = line.substr(std::min(line.size(), equals + 1));
    if (key == "path") path = value;
    if (key == "linkpath") link = value;
    if (key.starts_with("GNU.sparse.")) sparse = true;
    if (key == "size" && !(bytes = whole_number(value))) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace optdnn::photos
