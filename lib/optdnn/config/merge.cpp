#include "optdnn/config/merge.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/config/place.h"
#include "optdnn/config/read.h"
#include "optdnn/config/scalar.h"
#include "optdnn/config/yaml_text.h"

namespace optdnn::config {

using base::concat;

namespace {

constexpr size_t kMaxPathKeys = 32;

// `map` with the entry's key set to its value.
Node with_entry(const Node& map, Node::Entry entry) {
  std::vector<Node::Entry> entries = map.entries();
  for (Node::Entry& old : entries) {
    if (old.key != entry.key) continue;
    old = std::move(entry);
    return Node::map(std::move(entries), map.span());
  }
  entries.push_back(std::move(entry));
  return Node::map(std::move(entries), map.span());
}

bool is_choice(const Node& node) {
  return node.is_scalar() && (node.is_quoted() || scalar_type(node.text()) == ScalarType::text);
}

// `map` without what `key` displaces; `keep` are keys that stay all the same.
Node make_room(const Node& map, const std::string& key, const Displaced& displaced, const Node& keep) {
  const auto found = displaced.find(key);
  if (found == displaced.end()) return map;
  std::vector<std::string> gone;
  for (const std::string& other : found->second) {
    if (!keep.find(other)) gone.push_back(other);
  }
  return without_keys(map, gone);
}

struct Setting {
  std::vector<std::string> keys;
  const base::SourceSpan& path_span;
  const Node& value;
  base::Diagnostics& diagnostics;
  const Displaced& displaced;

  base::SourceSpan key_span(size_t i) const {
    base::SourceSpan span = path_span;
    for (size_t k = 0; k < i; ++k) span.column += static_cast<int>(keys[k].size()) + 1;
    span.length = static_cast<int>(keys[i].size());
    return span;
  }

  Node apply(const Node& tree, size_t i) const {
    if (i == keys.size()) return value;
    Node map = tree;
    if (tree.is_null()) {
      map = Node::map({}, path_span);
    } else if (is_choice(tree) && i > 0) {
      map = Node::map({{"name", tree.span(), tree}}, tree.span());
    } else if (!tree.is_map()) {
      diagnostics.error(key_span(i),
                        concat("'", i > 0 ? keys[i - 1] : "the config", "' is ",
                               tree.is_sequence() ? "a list" : "a number", ", it has no key '", keys[i], "'"),
                        tree.is_sequence() ? "lists are replaced whole" : "");
      return tree;
    }
    const Node* old = map.find(keys[i]);
    const Node inner = apply(old ? *old : Node(), i + 1);
    return with_entry(make_room(map, keys[i], displaced, {}), {keys[i], key_span(i), inner});
  }
};

}  // namespace

Node merge(const Node& base, const Node& over, const Displaced& displaced) {
  if (over.is_null()) return base;
  if (!base.is_map() || !over.is_map() || over.find("name")) return over;
  Node merged = base;
  for (const Node::Entry& entry : over.entries()) {
    const Node* old = base.find(entry.key);
    const Node value = old ? merge(*old, entry.value, displaced) : entry.value;
    merged = with_entry(make_room(merged, entry.key, displaced, over), {entry.key, entry.key_span, value});
  }
  return Node::map(merged.entries(), base.entries().empty() ? over.span() : base.span());
}

Node without_keys(const Node& map, const std::vector<std::string>& keys) {
  std::vector<Node::Entry> entries;
  for (const Node::Entry& entry : map.entries()) {
    if (std::find(keys.begin(), keys.end(), entry.key) == keys.end()) entries.push_back(entry);
  }
  return Node::map(std::move(entries), map.span());
}

Node set_path(const Node& tree, std::string_view path, const base::SourceSpan& path_span, const Node& value,
              base::Diagnostics& diagnostics, const Displaced& displaced) {
  const Setting setting{base::split(path, '.'), path_span, value, diagnostics, displaced};
  for (const std::string& key : setting.keys) {
    if (!key.empty() && setting.keys.size() <= kMaxPathKeys) continue;
    diagnostics.error(path_span, concat("'", excerpt(path), "' is no path of keys"),
                      "write keys with dots between them: optimizer.learning_rate");
    return tree;
  }
  return setting.apply(tree, 0);
}

Override read_set(std::string_view assignment, base::Diagnostics& diagnostics) {
  auto source = std::make_shared<base::SourceText>();
  source->name = "--set";
  source->text = assignment;
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    diagnostics.error(place_of(source, 0, assignment.size()), "an override is written KEY=VALUE",
                      "for instance --set optimizer.learning_rate=0.05");
    return {};
  }
  Override set{base::trim(assignment.substr(0, equals)), place_of(source, 0, equals), {}};
  const std::string value = base::trim(assignment.substr(equals + 1));
  constexpr std::string_view kNulls[] = {"", "~", "null", "Null", "NULL"};
  if (value.starts_with('#') || std::find(std::begin(kNulls), std::end(kNulls), value) != std::end(kNulls)) {
    diagnostics.error(place_of(source, equals, 1), concat("'", excerpt(set.path), "' is given no value"),
                      "write a value behind the '='");
    return set;
  }
  set.value = read_yaml(source, diagnostics, equals + 1);
  return set;
}

Node apply_set(const Node& tree, std::string_view assignment, base::Diagnostics& diagnostics) {
  const Override set = read_set(assignment, diagnostics);
  return set.value.is_null() ? tree : set_path(tree, set.path, set.path_span, set.value, diagnostics);
}

}  // namespace optdnn::config
