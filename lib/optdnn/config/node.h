// An immutable YAML tree with places. Nodes are shared, copying one is cheap; a node made by an alias is the node of
// its anchor. The default-made node is null: it is absent, or it was refused and the mistake is already reported.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "optdnn/base/diagnostics.h"

namespace optdnn::config {

// Trees are no deeper than this, so that recursion over them is safe, and have at most so many nodes with every alias
// written out.
inline constexpr int kMaxDepth = 64;
inline constexpr size_t kMaxNodes = 100'000;

class Node {
 public:
  enum class Kind { null, scalar, sequence, map };
  enum class Style { plain, quoted, literal, folded };  // of a scalar
  struct Entry;

  Node() = default;
  static Node scalar(std::string text, Style style = Style::plain, base::SourceSpan span = {}, size_t offset = 0);
  static Node sequence(std::vector<Node> items, base::SourceSpan span = {});
  // Requires: distinct keys.
  static Node map(std::vector<Entry> entries, base::SourceSpan span = {});

  Kind kind() const;
  bool is_null() const { return !data_; }
  bool is_scalar() const { return kind() == Kind::scalar; }
  bool is_sequence() const { return kind() == Kind::sequence; }
  bool is_map() const { return kind() == Kind::map; }

  // Empty unless of that kind. Entries are in the order of the file.
  const std::string& text() const;
  Style style() const;
  bool is_quoted() const { return style() != Style::plain; }  // then never a number or a boolean
  const std::vector<Node>& items() const;
  const std::vector<Entry>& entries() const;

  // The value of `key`, or nullptr.
  const Node* find(std::string_view key) const;
  const Entry* find_entry(std::string_view key) const;
  // Follows "optimizer.learning_rate" through maps; nullptr if a key is missing.
  const Node* find_path(std::string_view dotted) const;

  // Where the value stands; no source if it was made by the program.
  const base::SourceSpan& span() const;
  // Where the value of `key` stands; the whole, where there is none.
  const base::SourceSpan& span_of(std::string_view key) const;
  // "configs/table_3.yaml:17", "--set", or "default" for a value that no text gave.
  std::string origin() const;
  // The place in the file of a stretch of a scalar's text. Exact in plain and literal (|) scalars and in quoted ones
  // without escapes before its end; elsewhere the whole value.
  base::SourceSpan locate(size_t offset, size_t length) const;

  int depth() const;    // 1 for a scalar
  size_t size() const;  // nodes of the tree, every alias written out

  // Same values, whatever their places and spelling; plain 1 and quoted "1" differ, plain a and quoted "a" do not.
  friend bool operator==(const Node& a, const Node& b);

 private:
  struct Data;
  explicit Node(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

struct Node::Entry {
  std::string key;
  base::SourceSpan key_span;
  Node value;
};

}  // namespace optdnn::config
