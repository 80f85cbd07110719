#include "optdnn/config/place.h"

#include <algorithm>

namespace optdnn::config {

base::SourceSpan place_of(const std::shared_ptr<const base::SourceText>& source, size_t offset, size_t length) {
  const std::string_view text = source->text;
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const size_t line_end = std::min(text.find('\n', offset), text.size());
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return {source, static_cast<int>(line), static_cast<int>(offset - line_start) + 1,
          static_cast<int>(std::clamp<size_t>(length, 1, std::max<size_t>(1, line_end - offset)))};
}

namespace {

size_t end_of_line(std::string_view text, size_t from) { return std::min(text.find('\n', from), text.size()); }

// Lines of the text are ends of the lines below the `|`; what is before them is the indentation, the same in all lines.
std::optional<size_t> offset_in_literal(std::string_view source, size_t written_at, std::string_view text,
                                        size_t offset) {
  size_t line = end_of_line(source, written_at) + 1;
  for (size_t start = 0; line <= source.size();) {
    const std::string_view wanted = text.substr(start, end_of_line(text, start) - start);
    std::string_view found = source.substr(line, end_of_line(source, line) - line);
    if (found.ends_with('\r')) found.remove_suffix(1);
    if (found.size() < wanted.size() || !found.ends_with(wanted)) {
      if (!wanted.empty()) return std::nullopt;
    } else if (offset <= start + wanted.size()) {
      return line + found.size() - wanted.size() + (offset - start);
    }
    start += wanted.size() + 1;
    line = end_of_line(source, line) + 1;
    if (start > text.size()) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<size_t> offset_in_source(std::string_view source, size_t written_at, std::string_view text,
                                       Node::Style style, size_t offset) {
  if (offset > text.size() || written_at > source.size()) return std::nullopt;
  if (style == Node::Style::literal) return offset_in_literal(source, written_at, text, offset);
  if (style == Node::Style::folded) return std::nullopt;
  const size_t first = written_at + (style == Node::Style::quoted ? 1 : 0);
  const size_t compared = std::min(offset + 1, text.size());
  if (first > source.size() || source.substr(first, compared) != text.substr(0, compared)) return std::nullopt;
  return first + offset;
}

}  // namespace optdnn::config
