// From typed structs back to a complete tree. With to_yaml (yaml_text.h) and read it is the identity.
#pragma once

#include <string>
#include <vector>

#include "optdnn/base/text.h"
#include "optdnn/config/fields.h"
#include "optdnn/config/yaml_text.h"  // IWYU pragma: export

namespace optdnn::config {

template <class T>
concept HasDumpHook = requires(const T& value) {
  { dump_value(value) } -> std::same_as<Node>;
};

// Every field with its value; those that hold none (std::optional, Node) are left out.
template <class T>
Node dump(const T& value);

// A scalar that reads back as this text, quoted if it looks like something else.
Node text_node(std::string text);

// --- how it is done ---

class StructDumper : public FieldVisitor<StructDumper> {
 public:
  template <class T>
  void field(const Field& field, T& member) {
    Node value = dump(std::as_const(member));
    if (!value.is_null()) entries_.push_back({std::string(field.name), {}, std::move(value)});
  }
  void name(std::string_view name) { entries_.push_back({"name", {}, text_node(std::string(name))}); }
  Node take() { return Node::map(std::move(entries_)); }

 private:
  std::vector<Node::Entry> entries_;
};

// A struct without its hook, for hooks that add a short form.
template <HasFields T>
Node dump_fields(const T& value, std::string_view name = {}) {
  StructDumper dumper;
  if (!name.empty()) dumper.name(name);
  const_cast<T&>(value).fields(dumper);  // the visitor only reads
  return dumper.take();
}

template <class Values>
Node dump_items(const Values& values) {
  std::vector<Node> items;
  for (const auto& value : values) items.push_back(dump<typename Values::value_type>(value));
  return Node::sequence(std::move(items));
}

template <class T>
Node dump(const T& value) {
  if constexpr (HasDumpHook<T>) {
    return dump_value(value);
  } else if constexpr (std::same_as<T, Node>) {
    return value;
  } else if constexpr (std::same_as<T, bool>) {
    return Node::scalar(value ? "true" : "false");
  } else if constexpr (std::integral<T>) {
    return Node::scalar(std::to_string(value));
  } else if constexpr (std::floating_point<T>) {
    return Node::scalar(base::number_text(value));
  } else if constexpr (std::same_as<T, std::string>) {
    return text_node(value);
  } else if constexpr (NamedEnum<T>) {
    return text_node(std::string(enum_names(T{}).name_of(value)));
  } else if constexpr (is_optional<T>) {
    return value ? dump(*value) : Node();
  } else if constexpr (is_vector<T> || is_array<T>) {
    return dump_items(value);
  } else if constexpr (is_one_or_many<T>) {
    return value.is_list ? dump_items(value.values) : dump(value.values.front());
  } else if constexpr (is_pair<T>) {
    return Node::sequence({dump(value.first), dump(value.second)});
  } else if constexpr (is_text_map<T>) {
    std::vector<Node::Entry> entries;
    for (const auto& [key, element] : value) entries.push_back({key, {}, dump(element)});
    return Node::map(std::move(entries));
  } else if constexpr (is_variant<T>) {
    return std::visit([]<class A>(const A& alternative) { return dump_fields(alternative, A::kName); }, value);
  } else if constexpr (HasFields<T>) {
    return dump_fields(value);
  } else {
    static_assert(always_false<T>, "this type needs a Node dump_value(const T&)");
  }
}

}  // namespace optdnn::config
