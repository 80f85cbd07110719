// From a tree to typed structs by their lists of fields (fields.h). Every mistake is reported at its place; what could
// not be read keeps its default.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "optdnn/base/text.h"
#include "optdnn/config/fields.h"

namespace optdnn::config {

class Reader;

template <class T>
concept HasReadHook = requires(Reader& reader, const Node& node, T& value) {
  read_value(reader, node, value);
};

class Reader {
 public:
  Reader(base::Diagnostics& diagnostics, std::string_view what) : diagnostics_(diagnostics), name_(what) {}

  // Reads one value. A null node leaves it as it is. Hooks call this for their parts.
  template <class T>
  void read(const Node& node, T& value, const Constraint& constraint = {});
  // Reads a map into a struct by its fields; for hooks of structs that also have a short form.
  template <HasFields T>
  void read_fields(const Node& node, T& value);

  // The key whose value is being read; what was given to `config::read` at the top.
  const std::string& name() const { return name_; }
  void error(const Node& node, std::string message, std::string hint = "");
  base::Diagnostics& diagnostics() { return diagnostics_; }

 private:
  template <class T>
  friend class StructReader;

  template <class T>
  void read_entry(const Node::Entry& entry, T& value, const Constraint& constraint);
  template <class T>
  void read_item(const Node& item, T& value, const Constraint& constraint);
  template <class T>
  void read_items(const Node& node, std::vector<T>& values, const Constraint& constraint);
  template <class Variant>
  void read_variant(const Node& node, Variant& value);
  template <class T>
  void read_struct(const Node& node, T& value, const std::string& what, bool named);

  // Each stores a value and returns true, or reports and returns false.
  bool read_bool(const Node& node, bool& value);
  bool read_integer(const Node& node, int64_t low, int64_t high, const Constraint& constraint, int64_t& value);
  bool read_unsigned(const Node& node, uint64_t high, const Constraint& constraint, uint64_t& value);
  bool read_real(const Node& node, const Constraint& constraint, double& value);
  bool read_text(const Node& node, const Constraint& constraint, std::string& value);
  bool expect(const Node& node, Node::Kind kind);
  bool expect_length(const Node& node, size_t length, std::string hint);
  bool admit(const Node& node, double value, const Constraint& constraint);
  bool admit_size(const Node& node, size_t size, const Constraint& constraint);

  // The name of a choice, in a bare scalar or a map with `name`; nullptr after a report.
  const Node* choice_name(const Node& node, const std::vector<std::string>& names);
  void unknown_value(const Node& node, const std::string& hint);
  void report_keys(const Node& node, const std::string& what, const std::vector<std::string>& known,
                   const std::vector<Field>& missing);
  bool refuse(const Node& node, std::string_view wanted, std::string hint);
  // "'seeds'", or "each of 'seeds'" for an item of the list
  std::string subject() const;
  // The key of a map; the whole file for the map at its top.
  base::SourceSpan place_of_map(const Node& node) const;

  base::Diagnostics& diagnostics_;
  std::string name_;
  base::SourceSpan key_span_;  // of name_, if it is a key
  bool in_list_ = false;       // an item of it is read
};

// Reports mistakes that span several fields, at the place of the field named; `field` may lead into maps,
// "train.length".
class Checker {
 public:
  Checker(base::Diagnostics& diagnostics, const Node& node, base::SourceSpan place)
      : diagnostics_(diagnostics), node_(node), place_(std::move(place)) {}
  void error(std::string_view field, std::string message, std::string hint = "");
  // Whether the text gives the field, rather than its default.
  bool is_given(std::string_view field) const { return node_.find_path(field) != nullptr; }

 private:
  base::SourceSpan place_of(std::string_view field) const;
  base::Diagnostics& diagnostics_;
  const Node& node_;
  base::SourceSpan place_;
};

// Returns `node` as a T. `what` is what messages call it: "optimizer". Mistakes go to `diagnostics`.
template <class T>
T read(const Node& node, base::Diagnostics& diagnostics, std::string_view what) {
  T value{};
  Reader(diagnostics, what).read(node, value);
  return value;
}

// --- how it is done ---

// The visitor that reads one map: looks up each field, remembers the names for unknown keys.
template <class T>
class StructReader : public FieldVisitor<StructReader<T>> {
 public:
  StructReader(Reader& reader, const Node& node, std::string what, bool named)
      : reader_(reader), node_(node), what_(std::move(what)) {
    if (named) known_.push_back("name");
  }

  template <class Member>
  void field(const Field& field, Member& member) {
    known_.emplace_back(field.name);
    if (const Node::Entry* entry = node_.find_entry(field.name)) {
      reader_.read_entry(*entry, member, field.constraint);
    } else if (field.required) {
      missing_.push_back(field);
    }
  }

  void finish() { reader_.report_keys(node_, what_, known_, missing_); }

 private:
  Reader& reader_;
  const Node& node_;
  std::string what_;
  std::vector<std::string> known_;
  std::vector<Field> missing_;
};

template <class T>
void Reader::read(const Node& node, T& value, const Constraint& constraint) {
  if (node.is_null()) return;
  if constexpr (HasReadHook<T>) {
    read_value(*this, node, value);
  } else if constexpr (std::same_as<T, Node>) {
    value = node;
  } else if constexpr (std::same_as<T, bool>) {
    read_bool(node, value);
  } else if constexpr (std::signed_integral<T>) {
    using Limits = std::numeric_limits<T>;
    if (int64_t read = 0; read_integer(node, Limits::min(), Limits::max(), constraint, read))
      value = static_cast<T>(read);
  } else if constexpr (std::unsigned_integral<T>) {
    if (uint64_t read = 0; read_unsigned(node, std::numeric_limits<T>::max(), constraint, read))
      value = static_cast<T>(read);
  } else if constexpr (std::floating_point<T>) {
    if (double read = 0; read_real(node, constraint, read)) value = static_cast<T>(read);
  } else if constexpr (std::same_as<T, std::string>) {
    read_text(node, constraint, value);
  } else if constexpr (NamedEnum<T>) {
    if (!expect(node, Node::Kind::scalar)) return;
    const base::NameTable<T>& table = enum_names(T{});
    if (const T* found = table.find(node.text())) {
      value = *found;
    } else {
      unknown_value(node, table.hint(node.text()));
    }
  } else if constexpr (is_optional<T>) {
    read(node, value.emplace(), constraint);
  } else if constexpr (is_vector<T>) {
    if (expect(node, Node::Kind::sequence) && admit_size(node, node.items().size(), constraint)) {
      read_items(node, value, constraint);
    }
  } else if constexpr (is_one_or_many<T>) {
    if (!node.is_sequence()) {
      value = T();
      read(node, value.values.front(), constraint);
    } else if (admit_size(node, node.items().size(), not_empty())) {
      value.is_list = true;
      read_items(node, value.values, constraint);
    }
  } else if constexpr (is_array<T>) {
    if (expect(node, Node::Kind::sequence) && expect_length(node, value.size(), "")) {
      for (size_t i = 0; i < value.size(); ++i) read_item(node.items()[i], value[i], constraint);
    }
  } else if constexpr (is_pair<T>) {
    if (!expect(node, Node::Kind::sequence) || !expect_length(node, 2, "write [low, high]")) return;
    T range{};
    const int errors = diagnostics_.errors();
    read_item(node.items()[0], range.first, constraint);
    read_item(node.items()[1], range.second, constraint);
    if (diagnostics_.errors() > errors) return;
    if (range.second < range.first)
      return error(node, base::concat("'", name_, "' must be [low, high] with low <= high"));
    value = range;
  } else if constexpr (is_text_map<T>) {
    if (!expect(node, Node::Kind::map) || !admit_size(node, node.entries().size(), constraint)) return;
    value.clear();
    for (const Node::Entry& entry : node.entries()) read_entry(entry, value[entry.key], constraint);
  } else if constexpr (is_variant<T>) {
    read_variant(node, value);
  } else if constexpr (HasFields<T>) {
    value = *std::make_unique<T>();  // a field the text leaves out has the default of T, as `help` says
    read_fields(node, value);
  } else {
    static_assert(always_false<T>, "this type needs a read_value(Reader&, const Node&, T&)");
  }
}

struct FieldNames : FieldVisitor<FieldNames> {
  template <class Member>
  void field(const Field& field, Member&) {
    names.emplace_back(field.name);
  }
  std::vector<std::string> names;
};

template <HasFields T>
void Reader::read_fields(const Node& node, T& value) {
  if (node.kind() == Node::Kind::map) return read_struct(node, value, name_, false);
  FieldNames keys;
  value.fields(keys);
  refuse(node, "a map", base::concat("keys: ", base::join(keys.names, ", ")));
}

template <class T>
void Reader::read_struct(const Node& node, T& value, const std::string& what, bool named) {
  const int errors = diagnostics_.errors();
  StructReader<T> fields(*this, node, what, named);
  value.fields(fields);
  fields.finish();
  if constexpr (requires(Checker & checker) { std::as_const(value).check(checker); }) {
    if (diagnostics_.errors() > errors) return;
    Checker checker(diagnostics_, node, place_of_map(node));
    std::as_const(value).check(checker);
  }
}

template <class Variant>
void Reader::read_variant(const Node& node, Variant& value) {
  std::vector<std::string> names;
  for_each_alternative<Variant>([&]<class T>(const T&) { names.emplace_back(T::kName); });
  const Node* name = choice_name(node, names);
  if (!name) return;
  for_each_alternative<Variant>([&]<class T>(T alternative) {
    if (name->text() != T::kName) return;
    read_struct(node, alternative, base::concat(name_, " '", T::kName, "'"), true);
    value = std::move(alternative);
  });
}

template <class T>
void Reader::read_entry(const Node::Entry& entry, T& value, const Constraint& constraint) {
  const std::string outer_name = std::exchange(name_, entry.key);
  const base::SourceSpan outer_span = std::exchange(key_span_, entry.key_span);
  const bool outer_in_list = std::exchange(in_list_, false);
  read(entry.value, value, constraint);
  in_list_ = outer_in_list;
  name_ = outer_name;
  key_span_ = outer_span;
}

template <class T>
void Reader::read_item(const Node& item, T& value, const Constraint& constraint) {
  const base::SourceSpan outer_span = std::exchange(key_span_, item.span());
  const bool outer_in_list = std::exchange(in_list_, true);
  read(item, value, constraint);
  in_list_ = outer_in_list;
  key_span_ = outer_span;
}

template <class T>
void Reader::read_items(const Node& node, std::vector<T>& values, const Constraint& constraint) {
  values.clear();
  for (const Node& item : node.items()) {
    T value{};
    read_item(item, value, constraint);
    values.push_back(std::move(value));
  }
}

}  // namespace optdnn::config
