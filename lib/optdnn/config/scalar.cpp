#include "optdnn/config/scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "optdnn/base/text.h"

namespace optdnn::config {

using base::concat;

namespace {

size_t skip_digits(std::string_view text, size_t i) {
  while (i < text.size() && is_digit(text[i])) ++i;
  return i;
}

template <class T, class... Format>
std::optional<T> parse_whole(std::string_view text, Format... format) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format...);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

// 010, 0o10, 0x1F, 0b11: {digits, base}.
std::optional<uint64_t> parse_other_base(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return std::nullopt;
  const int number_base = text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : text[1] == 'b' ? 2 : 0;
  return number_base ? parse_whole<uint64_t>(text.substr(2), number_base) : std::nullopt;
}

// The text without what only other notations allow: a plus sign, underscores, leading zeros.
std::string without_ornaments(std::string_view text) {
  std::string plain;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  while (text.size() > 1 && text[0] == '0' && is_digit(text[1])) text.remove_prefix(1);
  for (char c : text) {
    if (c != '_') plain += c;
  }
  return (negative ? "-" : "") + plain;
}

std::string number_hint(std::string_view text) {
  if (const auto value = parse_other_base(text)) return concat("numbers are decimal: write ", *value);
  const std::string plain = without_ornaments(text);
  const ScalarType type = scalar_type(plain);
  if (plain == text || (type != ScalarType::integer && type != ScalarType::real)) return "";
  const size_t digits = std::min(text.find_first_not_of("+-"), text.size());
  const bool octal = text.substr(digits).starts_with('0') && digits + 1 < text.size() && is_digit(text[digits + 1]);
  return concat("write ", plain, octal ? "; to some programs a leading zero means octal" : "");
}

}  // namespace

ScalarType scalar_type(std::string_view text) {
  if (text == "true" || text == "false") return ScalarType::boolean;
  size_t i = text.starts_with('-') ? 1 : 0;
  const size_t whole = i;
  i = skip_digits(text, i);
  const size_t digits = i - whole;
  if (digits > 1 && text[whole] == '0') return ScalarType::text;
  if (digits > 0 && i == text.size()) return ScalarType::integer;
  size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    const size_t end = skip_digits(text, i + 1);
    fraction = end - i - 1;
    i = end;
  }
  if (digits + fraction == 0) return ScalarType::text;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (skip_digits(text, i) == i) return ScalarType::text;
    i = skip_digits(text, i);
  }
  return i == text.size() ? ScalarType::real : ScalarType::text;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  if (scalar_type(text) != ScalarType::integer) return std::nullopt;
  return parse_whole<int64_t>(text);
}

std::optional<uint64_t> parse_unsigned(std::string_view text) {
  if (scalar_type(text) != ScalarType::integer) return std::nullopt;
  return text == "-0" ? 0 : parse_whole<uint64_t>(text);
}

std::optional<double> parse_real(std::string_view text) {
  const ScalarType type = scalar_type(text);
  if (type != ScalarType::integer && type != ScalarType::real) return std::nullopt;
  const auto value = parse_whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::string boolean_hint(std::string_view text) {
  const std::string word = lower(text);
  for (const char* yes : {"yes", "y", "on", "true", "1"}) {
    if (word == yes) return "write true";
  }
  for (const char* no : {"no", "n", "off", "false", "0"}) {
    if (word == no) return "write false";
  }
  return "";
}

std::string integer_hint(std::string_view text) {
  const auto value = parse_real(text);
  if (!value) return number_hint(text);
  if (std::abs(*value) >= 1e15 || *value != std::floor(*value)) return "";
  return concat("write integers out: ", static_cast<int64_t>(*value));
}

std::string real_hint(std::string_view text) {
  std::string word = lower(text);
  word.erase(0, word.find_first_not_of("+-."));
  if (word == "nan" || word == "inf" || word == "infinity") return "only finite numbers are settings";
  return number_hint(text);
}

}  // namespace optdnn::config
