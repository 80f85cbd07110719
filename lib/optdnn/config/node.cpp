#include "optdnn/config/node.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/config/place.h"
#include "optdnn/config/scalar.h"

namespace optdnn::config {

struct Node::Data {
  Kind kind = Kind::scalar;
  base::SourceSpan span;
  std::string text;
  Style style = Style::plain;
  size_t offset = 0;  // of the scalar's first byte, or its quote or `|`, in the source
  std::vector<Node> items;
  std::vector<Entry> entries;
  int depth = 1;
  size_t size = 1;

  void count(const Node& child) {
    depth = std::max(depth, child.depth() + 1);
    size += child.size();
  }
};

namespace {

const std::string kNoText;
const std::vector<Node> kNoItems;
const std::vector<Node::Entry> kNoEntries;
const base::SourceSpan kNoSpan;

bool means_text(const Node& node) { return node.is_quoted() || scalar_type(node.text()) == ScalarType::text; }

}  // namespace

Node Node::scalar(std::string text, Style style, base::SourceSpan span, size_t offset) {
  auto data = std::make_shared<Data>();
  data->text = std::move(text);
  data->style = style;
  data->span = std::move(span);
  data->offset = offset;
  return Node(std::move(data));
}

Node Node::sequence(std::vector<Node> items, base::SourceSpan span) {
  auto data = std::make_shared<Data>();
  data->kind = Kind::sequence;
  data->span = std::move(span);
  for (const Node& item : items) data->count(item);
  data->items = std::move(items);
  return Node(std::move(data));
}

Node Node::map(std::vector<Entry> entries, base::SourceSpan span) {
  auto data = std::make_shared<Data>();
  data->kind = Kind::map;
  data->span = std::move(span);
  for (const Entry& entry : entries) data->count(entry.value);
  data->entries = std::move(entries);
  return Node(std::move(data));
}

Node::Kind Node::kind() const { return data_ ? data_->kind : Kind::null; }
const std::string& Node::text() const { return data_ ? data_->text : kNoText; }
Node::Style Node::style() const { return data_ ? data_->style : Style::plain; }
const std::vector<Node>& Node::items() const { return data_ ? data_->items : kNoItems; }
const std::vector<Node::Entry>& Node::entries() const { return data_ ? data_->entries : kNoEntries; }
const base::SourceSpan& Node::span() const { return data_ ? data_->span : kNoSpan; }

const base::SourceSpan& Node::span_of(std::string_view key) const {
  const Node* value = find(key);
  return value ? value->span() : span();
}
int Node::depth() const { return data_ ? data_->depth : 1; }
size_t Node::size() const { return data_ ? data_->size : 1; }

const Node::Entry* Node::find_entry(std::string_view key) const {
  for (const Entry& entry : entries()) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry ? &entry->value : nullptr;
}

const Node* Node::find_path(std::string_view dotted) const {
  const Node* node = this;
  for (const std::string& key : base::split(dotted, '.')) {
    node = node->find(key);
    if (!node) return nullptr;
  }
  return node;
}

std::string Node::origin() const {
  const base::SourceSpan& place = span();
  if (!place.source) return "default";
  if (place.source->name.starts_with("--")) return place.source->name;
  return base::concat(place.source->name, ":", place.line);
}

base::SourceSpan Node::locate(size_t offset, size_t length) const {
  if (!is_scalar() || !span().source) return span();
  const auto at = offset_in_source(span().source->text, data_->offset, text(), style(), offset);
  return at ? place_of(span().source, *at, length) : span();
}

bool operator==(const Node& a, const Node& b) {
  if (a.data_ == b.data_) return true;
  if (a.kind() != b.kind()) return false;
  if (a.is_scalar()) return a.text() == b.text() && means_text(a) == means_text(b);
  const auto same_entry = [](const Node::Entry& x, const Node::Entry& y) {
    return x.key == y.key && x.value == y.value;
  };
  return std::equal(a.items().begin(), a.items().end(), b.items().begin(), b.items().end()) &&
         std::equal(a.entries().begin(), a.entries().end(), b.entries().begin(), b.entries().end(), same_entry);
}

}  // namespace optdnn::config
