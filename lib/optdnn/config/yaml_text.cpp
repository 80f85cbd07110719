#include "optdnn/config/yaml_text.h"

#include <algorithm>
#include <vector>

#include "optdnn/base/text.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/scalar.h"

namespace optdnn::config {

using base::concat;

namespace {

constexpr size_t kFlowWidth = 100;  // longer lists are written one item a line
constexpr size_t kAlignWidth = 60;  // longer lines do not push the comments of the others to the right

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Words that other YAML readers take for a boolean or null.
bool is_reserved_word(std::string_view text) {
  std::string word(text);
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const char* reserved : {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}) {
    if (word == reserved) return true;
  }
  return false;
}

bool is_plain_safe(std::string_view text) {
  if (text.empty() || !(is_letter(text[0]) || text[0] == '/') || text.back() == ' ' || is_reserved_word(text))
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("./+- ").find(c) != std::string_view::npos;
  });
}

std::string in_quotes(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += concat("\\x", kDigits[byte >> 4], kDigits[byte & 15]);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string key_text(const std::string& key) { return is_plain_safe(key) ? key : in_quotes(key); }

std::string scalar_text(const Node& node) {
  if (node.is_null()) return "~";  // only in trees with a mistake
  const bool is_typed = !node.is_quoted() && scalar_type(node.text()) != ScalarType::text;
  return is_typed || is_plain_safe(node.text()) ? node.text() : in_quotes(node.text());
}

// Whether a text of several lines reads back from a `|` block: nothing that the indentation or the chomping would eat.
bool suits_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text[0] == ' ' || text[0] == '\n' || text.ends_with("\n\n"))
    return false;
  for (const std::string& line : base::split(text, '\n')) {
    if (line.ends_with(' ')) return false;
  }
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

bool is_leaf(const Node& node) {
  if (node.is_map()) return node.entries().empty();
  if (!node.is_sequence()) return true;
  const auto& items = node.items();
  return std::all_of(items.begin(), items.end(), is_leaf) && to_flow(node).size() <= kFlowWidth;
}

struct Line {
  std::string text;
  std::string comment;
};

class Writer {
 public:
  // Writes `node` behind `lead`, which is indentation with "key:" or "-" or nothing.
  void write(const std::string& lead, size_t indent, const Node& node, const Node* origin) {
    const std::string space = lead.empty() ? "" : " ";
    if (node.is_scalar() && suits_block(node.text())) {
      write_block(lead + space, indent, node, origin);
    } else if (is_leaf(node)) {
      lines_.push_back({lead + space + to_flow(node), comment(origin)});
    } else {
      if (!lead.empty()) lines_.push_back({lead, ""});
      node.is_map() ? write_entries(indent, node, origin) : write_items(indent, node, origin);
    }
  }

  std::string text(bool with_comments) const {
    size_t width = 0;
    for (const Line& line : lines_) {
      if (!line.comment.empty() && line.text.size() <= kAlignWidth) width = std::max(width, line.text.size());
    }
    std::string text;
    for (const Line& line : lines_) {
      text += line.text;
      if (with_comments && !line.comment.empty()) {
        text += concat(std::string(line.text.size() < width ? width - line.text.size() : 0, ' '), "  # ", line.comment);
      }
      text += '\n';
    }
    return text;
  }

 private:
  static std::string comment(const Node* origin) { return origin ? excerpt(origin->origin(), 200) : "default"; }

  void write_block(const std::string& lead, size_t indent, const Node& node, const Node* origin) {
    const bool ends = node.text().ends_with('\n');
    lines_.push_back({lead + (ends ? "|" : "|-"), comment(origin)});
    std::vector<std::string> block = base::split(node.text(), '\n');
    if (ends) block.pop_back();
    const std::string space(std::max<size_t>(indent, 2), ' ');
    for (const std::string& line : block) lines_.push_back({line.empty() ? "" : space + line, ""});
  }

  void write_entries(size_t indent, const Node& node, const Node* origin) {
    for (const Node::Entry& entry : node.entries()) {
      const bool is_short_form = origin && origin->is_scalar() && entry.key == "name";  // `optimizer: sgd`
      const Node* inner = is_short_form ? origin : origin ? origin->find(entry.key) : nullptr;
      write(concat(std::string(indent, ' '), key_text(entry.key), ":"), indent + 2, entry.value, inner);
    }
  }

  void write_items(size_t indent, const Node& node, const Node* origin) {
    const bool parallel = origin && origin->items().size() == node.items().size();
    for (size_t i = 0; i < node.items().size(); ++i) {
      write(std::string(indent, ' ') + "-", indent + 2, node.items()[i], parallel ? &origin->items()[i] : nullptr);
    }
  }

  std::vector<Line> lines_;
};

}  // namespace

Node text_node(std::string text) {
  const bool typed = scalar_type(text) != ScalarType::text;
  return Node::scalar(std::move(text), typed ? Node::Style::quoted : Node::Style::plain);
}

std::string excerpt(std::string_view text, size_t width) {
  std::string shown(text.substr(0, width));
  while (shown.size() < text.size() && !shown.empty() &&
         (static_cast<unsigned char>(text[shown.size()]) & 0xc0) == 0x80) {
    shown.pop_back();  // do not cut a character in two
  }
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return shown.size() < text.size() ? shown + "..." : shown;
}

std::string to_flow(const Node& node) {
  std::vector<std::string> parts;
  if (node.is_sequence()) {
    for (const Node& item : node.items()) parts.push_back(to_flow(item));
    return concat("[", base::join(parts, ", "), "]");
  }
  if (node.is_map()) {
    for (const Node::Entry& entry : node.entries())
      parts.push_back(concat(key_text(entry.key), ": ", to_flow(entry.value)));
    return concat("{", base::join(parts, ", "), "}");
  }
  return scalar_text(node);
}

std::string to_yaml(const Node& node, const Node* origins) {
  Writer writer;
  writer.write("", 0, node, origins);
  return writer.text(origins != nullptr);
}

}  // namespace optdnn::config
