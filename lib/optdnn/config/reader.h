// From a tree to typed structs by their lists of fields (fields.h). Every mistake is reported at its place; what could
// not be read keeps its default.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
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
  void read_entry(const Node::Entry& entry, T& value, const Constraint& constraint = {});
  template <class T>
  void read_items(const Node& node, std::vector<T>& values, const Constraint& constraint);
  template <class Variant>
  void read_variant(const Node& node, Variant& value);
  template <class T>
  void read_struct(const Node& node, T& value, const std::string& what, bool named);

  // Each reports and returns false, or stores and returns true.
  bool read_bool(const Node& node, bool& value);
  bool read_integer(const Node& node, int64_t low, int64_t high, int64_t& value);
  bool read_unsigned(const Node& node, uint64_t high, uint64_t& value);
  bool read_real(const Node& node, double& value);
  bool read_text(const Node& node, std::string& value);
  bool expect(const Node& node, Node::Kind kind, std::string_view example);
  bool admit(const Node& node, double value, const Constraint& constraint);
  bool admit(const Node& node, const std::string& text, const Constraint& constraint);
  bool admit_size(const Node& node, size_t size, const Constraint& constraint);
  void unknown_value(const Node& node, const std::string& hint);
  void bad_length(const Node& node, size_t wanted);
  // The name in a bare scalar or a map with `name`; nullptr after a report.
  const Node* choice_name(const Node& node, const std::vector<std::string>& names);
  void unknown_choice(const Node& name, const std::vector<std::string>& names);

  base::Diagnostics& diagnostics_;
  std::string name_;
  base::SourceSpan key_span_;  // of name_, if it is a key
};

// Reports mistakes that span several fields, at the place of the field named; `field` may lead into maps,
// "train.length".
class Checker {
 public:
  Checker(base::Diagnostics& diagnostics, const Node& node, base::SourceSpan place)
      : diagnostics_(diagnostics), node_(node), place_(std::move(place)) {}
  void error(std::string_view field, std::string message, std::string hint = "");
  void warning(std::string_view field, std::string message, std::string hint = "");
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

}  // namespace optdnn::config
