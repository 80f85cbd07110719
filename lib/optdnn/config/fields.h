// One list of fields per struct drives parsing, ranges, unknown keys, the dump, the help and the JSON schema:
//
//   struct Sgd {
//     static constexpr std::string_view kName = "sgd";   // only for the alternatives of a variant, chosen by `name`
//     static constexpr std::string_view kHelp = "stochastic gradient descent with momentum";
//     double learning_rate = 0.1;
//     template <class Fields>
//     void fields(Fields& f) {
//       f("learning_rate", learning_rate, above(0), "step size at the schedule's peak");
//     }
//     void check(Checker& c) const;                      // optional: what spans several fields (reader.h)
//   };
//
// Members: bool, integers, double, std::string, Node, enums with `const base::NameTable<E>& enum_names(E)`, structs
// like this one, std::variant of named structs, std::optional, std::vector, OneOrMany, std::pair (a range, low <=
// high), std::array, std::map<std::string, T>; and types with hooks of their own, found beside the type:
//   void read_value(Reader&, const Node&, T&);   Node dump_value(const T&);
//   nlohmann::json schema_value(const T&);       std::string type_text(const T&);      // both optional
#pragma once

#include <array>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "optdnn/base/names.h"
#include "optdnn/config/constraint.h"
#include "optdnn/config/node.h"

namespace optdnn::config {

class Reader;   // reader.h
class Checker;  // reader.h

struct Field {
  std::string_view name;
  std::string_view help;
  Constraint constraint;
  bool required = false;
};

// What `fields` is called with. A visitor derives from this and has `template <class T> void field(const Field&, T&)`.
template <class Visitor>
class FieldVisitor {
 public:
  template <class T>
  void operator()(std::string_view name, T& member, std::string_view help) {
    visit({name, help, {}, false}, member);
  }
  template <class T>
  void operator()(std::string_view name, T& member, Constraint constraint, std::string_view help) {
    visit({name, help, std::move(constraint), false}, member);
  }
  // The key has no default.
  template <class T>
  void required(std::string_view name, T& member, std::string_view help) {
    visit({name, help, {}, true}, member);
  }
  template <class T>
  void required(std::string_view name, T& member, Constraint constraint, std::string_view help) {
    visit({name, help, std::move(constraint), true}, member);
  }

 private:
  template <class T>
  void visit(const Field& field, T& member) {
    static_cast<Visitor&>(*this).field(field, member);
  }
};

// A value, or a list of values such as one per stage: `depth: 9` or `depth: [9, 9, 9]`.
template <class T>
struct OneOrMany {
  std::vector<T> values;
  bool is_list = false;

  OneOrMany() : values(1) {}
  OneOrMany(T value) : values{std::move(value)} {}
  OneOrMany(std::vector<T> list) : values(std::move(list)), is_list(true) {}

  size_t size() const { return values.size(); }
  // The value of entry `i`; one value stands for every entry.
  const T& at(size_t i) const { return is_list ? values.at(i) : values.front(); }
  bool operator==(const OneOrMany&) const = default;
};

// Visits nothing; names the shape of `fields`.
struct NoFields : FieldVisitor<NoFields> {
  template <class T>
  void field(const Field&, T&) {}
};

template <class T>
concept HasFields = requires(T& value, NoFields& f) {
  value.fields(f);
};

template <class T>
concept NamedStruct = HasFields<T> && requires {
  std::string_view(T::kName);
};

template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) {
  { enum_names(value) } -> std::convertible_to<const base::NameTable<T>&>;
};

template <class T>
constexpr std::string_view help_of() {
  if constexpr (requires { std::string_view(T::kHelp); }) return T::kHelp;
  return {};
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_one_or_many = false;
template <class T>
inline constexpr bool is_one_or_many<OneOrMany<T>> = true;
template <class T>
inline constexpr bool is_pair = false;
template <class T>
inline constexpr bool is_pair<std::pair<T, T>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;
template <class T>
inline constexpr bool is_text_map = false;
template <class T>
inline constexpr bool is_text_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <NamedStruct... T>
inline constexpr bool is_variant<std::variant<T...>> = true;

template <class T>
inline constexpr bool always_false = false;

// Calls `see(alternative)` with a default-made value of each alternative of a variant.
template <class Variant, class See>
void for_each_alternative(See see) {
  [&]<size_t... I>(std::index_sequence<I...>) { (see(std::variant_alternative_t<I, Variant>{}), ...); }
  (std::make_index_sequence<std::variant_size_v<Variant>>{});
}

}  // namespace optdnn::config
