#include "optdnn/config/characters.h"

#include <algorithm>

#include "optdnn/config/place.h"

namespace optdnn::config {

namespace {

constexpr int kMostMistakes = 20;

struct Mistake {
  const char* message;
  const char* hint;
};

// `length` receives the length of the character.
const Mistake* mistake_at(std::string_view text, size_t& length) {
  static constexpr Mistake kTab{"a tab character", "use spaces; in double quotes a tab is written \\t"};
  static constexpr Mistake kNul{"a NUL byte: this is not a text file", "save the file as UTF-8"};
  static constexpr Mistake kReturn{"a carriage return inside a line", "end lines with \\n or \\r\\n"};
  static constexpr Mistake kControl{"a control character", "remove it; in double quotes it is written \\xNN"};
  static constexpr Mistake kEncoding{"this byte is not UTF-8", "save the file as UTF-8"};
  const char c = text[0];
  length = 1;
  if (c == '\n' || (c == '\r' && text.size() > 1 && text[1] == '\n')) return nullptr;
  if (c == '\t') return &kTab;
  if (c == '\0') return &kNul;
  if (c == '\r') return &kReturn;
  if ((c > 0 && c < 0x20) || c == 0x7f) return &kControl;
  length = utf8_length(text);
  return length > 0 ? nullptr : &kEncoding;
}

}  // namespace

size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                        : (first & 0xf0) == 0xe0         ? 3
                        : first >= 0xf0 && first <= 0xf4 ? 4
                                                         : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

bool check_characters(const std::shared_ptr<const base::SourceText>& source, size_t begin,
                      base::Diagnostics& diagnostics) {
  const std::string_view text = source->text;
  int mistakes = 0;
  for (size_t i = begin; i < text.size();) {
    size_t length = 1;
    if (const Mistake* mistake = mistake_at(text.substr(i), length)) {
      diagnostics.error(place_of(source, i, 1), mistake->message, mistake->hint);
      if (++mistakes == kMostMistakes) return false;
      i = text.find('\n', i);
      if (i == std::string_view::npos) break;
      continue;
    }
    i += length;
  }
  return mistakes == 0;
}

std::string as_utf8(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(std::string_view(text).substr(i));
    if (length == 0) out += '\xc2';
    out.append(text, i, std::max<size_t>(length, 1));
    i += std::max<size_t>(length, 1);
  }
  return out;
}

}  // namespace optdnn::config
