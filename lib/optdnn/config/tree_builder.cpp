#include "optdnn/config/tree_builder.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/config/characters.h"

namespace optdnn::config {

using base::concat;

TreeBuilder::TreeBuilder(std::shared_ptr<const base::SourceText> source, size_t begin, base::Diagnostics& diagnostics)
    : source_(std::move(source)), begin_(begin), diagnostics_(diagnostics), line_starts_{0} {
  for (size_t i = 0; i < source_->text.size(); ++i) {
    if (source_->text[i] == '\n') line_starts_.push_back(i + 1);
  }
}

// --- places ---

size_t TreeBuilder::offset_of(const YAML::Mark& mark) const {
  const size_t offset = begin_ + (mark.pos > 0 ? static_cast<size_t>(mark.pos) : 0);
  return std::min(offset, source_->text.size());
}

// A mark stands before an anchor or a tag; the value comes after.
size_t TreeBuilder::value_offset(const YAML::Mark& mark) const {
  const std::string& text = source_->text;
  size_t offset = offset_of(mark);
  while (offset < text.size() && (text[offset] == '&' || text[offset] == '!')) {
    offset = std::min(text.find_first_of(" \r\n", offset), text.size());
    while (offset < text.size() && std::string_view(" \r\n#").find(text[offset]) != std::string_view::npos) {
      offset = text[offset] == '#' ? std::min(text.find('\n', offset), text.size()) : offset + 1;
    }
  }
  return offset;
}

base::SourceSpan TreeBuilder::span(size_t offset, size_t length) const {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = next - line_starts_.begin();
  const size_t end = next == line_starts_.end() ? source_->text.size() : *next - 1;
  const size_t room = end > offset ? end - offset : 1;
  return {source_, static_cast<int>(line), static_cast<int>(offset - *(next - 1)) + 1,
          static_cast<int>(std::clamp<size_t>(length, 1, room))};
}

Node::Style TreeBuilder::style_at(size_t offset) const {
  switch (offset < source_->text.size() ? source_->text[offset] : '\0') {
    case '"':
    case '\'':
      return Node::Style::quoted;
    case '|':
      return Node::Style::literal;
    case '>':
      return Node::Style::folded;
    default:
      return Node::Style::plain;
  }
}

size_t TreeBuilder::closing_quote(size_t offset) const {
  const std::string& text = source_->text;
  const char quote = text[offset];
  for (size_t i = offset + 1; i < text.size(); ++i) {
    const bool is_pair = quote == '"' ? text[i] == '\\' : text.compare(i, 2, "''") == 0;
    if (is_pair) {
      ++i;
    } else if (text[i] == quote) {
      return i;
    }
  }
  return std::string::npos;
}

size_t TreeBuilder::written_length(size_t offset, Node::Style style, const std::string& value) const {
  if (style == Node::Style::plain) return value.size();
  return style == Node::Style::quoted ? closing_quote(offset) + 1 - offset : 1;
}

// --- events ---

void TreeBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (++documents_ < 2) return;
  diagnostics_.error(place(mark), "a second document begins here", "one file holds one document: remove the '---'");
  throw Stopped();
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t) {
  if (wants_key()) return refuse_key(place(mark), "a key is missing here", "write `key: value`");
  if (frames_.empty()) return;  // an empty document
  Frame& frame = frames_.back();
  const bool is_refused =
      std::any_of(frames_.begin(), frames_.end(), [](const Frame& f) { return f.is_key || f.drop_value; });
  if (is_refused) return add(Node(), place(mark));
  if (frame.kind == Node::Kind::sequence) {
    // An empty item's mark is at what follows: go back to its dash or comma.
    size_t offset = offset_of(mark);
    const std::string& text = source_->text;
    const bool is_written =
        offset < text.size() && std::string_view("~nN").find(text[offset]) != std::string_view::npos;
    if (!is_written && offset > 0) offset = std::min(text.find_last_not_of(" \r\n", offset - 1), offset);
    diagnostics_.error(span(offset, 1), "an item of this list has no value", "write a value, or remove the item");
    return add(Node(), place(mark));
  }
  const size_t colon = frame.key.find(':');
  const bool lacks_space = colon != std::string::npos && colon + 1 < frame.key.size();
  diagnostics_.error(frame.key_span, concat("'", frame.key, "' has no value"),
                     lacks_space ? concat("a space is missing after the colon: write `", frame.key.substr(0, colon),
                                          ": ", frame.key.substr(colon + 1), "`")
                                 : "write a value, or leave the key out (null is no value here)");
  frame.drop_value = lacks_space;  // else it would be an unknown key, too
  add(Node(), place(mark));
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (wants_key()) return refuse_key(place(mark), "an alias cannot be a key", "write the key out");
  const size_t offset = offset_of(mark);
  const size_t end = std::min(source_->text.find_first_of(" \r\n,]}", offset), source_->text.size());
  const base::SourceSpan place = span(offset, end - offset);
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    diagnostics_.error(
        place, concat("the alias '", source_->text.substr(offset, end - offset), "' stands inside its own anchor"),
        "this would be a tree without an end; write the value out");
    return add(Node(), place);
  }
  if (static_cast<int>(frames_.size()) + found->second.depth() > kMaxDepth) {
    diagnostics_.error(place, concat("aliases make this file nest deeper than ", kMaxDepth, " levels"),
                       "write less nested values");
    throw Stopped();
  }
  add(found->second, place);
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& text) {
  const std::string value = as_utf8(text);
  const size_t offset = value_offset(mark);
  const Node::Style style = tag == "?" ? Node::Style::plain : style_at(offset);
  check_tag(mark, tag, style == Node::Style::plain);
  if (style == Node::Style::quoted && closing_quote(offset) == std::string::npos) {
    diagnostics_.error(span(offset, 1), "this quote is not closed", "add the closing quote");
    throw Stopped();
  }
  const base::SourceSpan place = span(offset, written_length(offset, style, value));
  if (wants_key()) return take_key(value, place, style == Node::Style::plain);
  Node node = Node::scalar(value, style, place, offset);
  if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
  add(std::move(node), place);
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
  open(Node::Kind::sequence, mark, tag, anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  open(Node::Kind::map, mark, tag, anchor);
}

// yaml-cpp gives "?" to untagged plain values and "!" to untagged quoted ones.
void TreeBuilder::check_tag(const YAML::Mark& mark, const std::string& tag, bool is_plain) {
  if (tag.empty() || tag == "?" || (tag == "!" && !is_plain)) return;
  const size_t offset = offset_of(mark);
  const size_t end = std::min(source_->text.find_first_of(" \r\n", offset), source_->text.size());
  diagnostics_.error(span(offset, end - offset), "tags are not part of this format",
                     "leave it out; a text that begins with '!' needs quotes");
}

void TreeBuilder::open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
  const base::SourceSpan place = span(value_offset(mark), 1);
  if (static_cast<int>(frames_.size()) + 1 >= kMaxDepth) {
    diagnostics_.error(place, concat("nested deeper than ", kMaxDepth, " levels"), "write less nested values");
    throw Stopped();
  }
  check_tag(mark, tag, true);
  const bool is_key = wants_key();
  if (is_key) {
    refuse_key(place, concat("a key must be a text, not a ", kind == Node::Kind::map ? "map" : "list"),
               "a text that begins with '{' or '[' needs quotes");
    frames_.back().is_garbled = true;
  }
  Frame frame{};
  frame.kind = kind;
  frame.span = place;
  frame.anchor = anchor;
  frame.is_key = is_key;
  frames_.push_back(std::move(frame));
}

void TreeBuilder::close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.is_key) return;
  if (frame.is_garbled) return add(Node(), frame.span);
  Node node = frame.kind == Node::Kind::map ? Node::map(std::move(frame.entries), frame.span)
                                            : Node::sequence(std::move(frame.items), frame.span);
  if (frame.anchor != YAML::NullAnchor) anchors_[frame.anchor] = node;
  add(std::move(node), frame.span);
}

void TreeBuilder::refuse_key(const base::SourceSpan& place, std::string message, std::string hint) {
  diagnostics_.error(place, std::move(message), std::move(hint));
  frames_.back().has_key = true;
  frames_.back().drop_value = true;
  frames_.back().key.clear();
  frames_.back().key_span = place;
}

void TreeBuilder::take_key(const std::string& key, const base::SourceSpan& place, bool is_plain) {
  Frame& frame = frames_.back();
  const auto [first, is_new] = frame.key_lines.emplace(key, place.line);
  if (is_plain && key == "<<") {
    refuse_key(place, "merge keys '<<' are not part of this format", "write the keys out; in a table, use `defaults`");
  } else if (!is_new) {
    refuse_key(place, concat("duplicate key '", key, "'"),
               concat("it is first given in line ", first->second, "; remove one"));
  } else {
    frame.has_key = true;
    frame.drop_value = false;
    frame.key = key;
    frame.key_span = place;
  }
}

void TreeBuilder::add(Node node, const base::SourceSpan& place) {
  if (frames_.empty()) {
    root_ = std::move(node);
    return;
  }
  Frame& frame = frames_.back();
  frame.size += node.size();
  size_t total = 0;
  for (const Frame& open_frame : frames_) total += open_frame.size;
  if (total > kMaxNodes) {
    diagnostics_.error(
        place, concat("more than ", base::with_thousands(kMaxNodes), " values, those that aliases repeat included"),
        "make the file smaller");
    throw Stopped();
  }
  if (frame.kind == Node::Kind::sequence) {
    frame.items.push_back(std::move(node));
    return;
  }
  if (!frame.drop_value) frame.entries.push_back({frame.key, frame.key_span, std::move(node)});
  frame.has_key = false;
}

}  // namespace optdnn::config
