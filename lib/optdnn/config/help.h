// A page on a struct: every key with its type and range, its default and its help, in columns.
//
//   key              type               default  what it is
//   optimizer        sgd | adamw        sgd      how the weights are trained
//     sgd                                        stochastic gradient descent with momentum
//       learning_rate  number > 0       0.1      step size at the schedule's peak
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "optdnn/config/dump.h"

namespace optdnn::config {

template <class T>
std::string help();

// The same of one key, "optimizer" or "optimizer.adam.learning_rate", and of what lies below it; a choice may stand in
// the path by its name. Errors: ConfigError for a key that is not there.
template <class T>
std::string help_on(const std::string& path);

// --- how it is done ---

template <class T>
concept HasTypeHook = requires(const T& value) {
  { type_text(value) } -> std::convertible_to<std::string>;
};

struct HelpRow {
  int indent;
  std::string key, type, value, help;
};

std::string help_page(const std::vector<HelpRow>& rows);
std::vector<HelpRow> rows_below(const std::vector<HelpRow>& rows, const std::string& path);
std::string with_constraint(std::string type, const Constraint& constraint);

// What may be written: "integer >= 1", "list of one of crop, flip", "sgd | adamw".
template <class T>
std::string type_of(const Constraint& constraint = {}) {
  using base::concat;
  if constexpr (HasTypeHook<T>) {
    return type_text(T{});
  } else if constexpr (std::same_as<T, bool>) {
    return "true | false";
  } else if constexpr (std::integral<T>) {
    return with_constraint("integer",
                           std::unsigned_integral<T> && !constraint.low ? constraint & at_least(0) : constraint);
  } else if constexpr (std::floating_point<T>) {
    return with_constraint("number", constraint);
  } else if constexpr (std::same_as<T, std::string>) {
    return "text";
  } else if constexpr (NamedEnum<T>) {
    return base::join(enum_names(T{}).names(), " | ");
  } else if constexpr (is_optional<T>) {
    return type_of<typename T::value_type>(constraint);
  } else if constexpr (is_vector<T>) {
    return concat("list of: ", type_of<typename T::value_type>(constraint));
  } else if constexpr (is_one_or_many<T>) {
    return concat(type_of<typename decltype(T::values)::value_type>(constraint), ", or a list");
  } else if constexpr (is_array<T>) {
    return concat("list of ", std::tuple_size_v<T>, ": ", type_of<typename T::value_type>(constraint));
  } else if constexpr (is_pair<T>) {
    return concat("[low, high]: ", type_of<typename T::first_type>(constraint));
  } else if constexpr (is_text_map<T>) {
    return concat("map of: ", type_of<typename T::mapped_type>(constraint));
  } else if constexpr (is_variant<T>) {
    std::vector<std::string> names;
    for_each_alternative<T>([&]<class A>(const A&) { names.emplace_back(A::kName); });
    return base::join(names, " | ");
  } else if constexpr (HasFields<T>) {
    return "map";
  } else {
    return "value";
  }
}

class HelpWriter : public FieldVisitor<HelpWriter> {
 public:
  explicit HelpWriter(int indent) : indent_(indent) {}

  template <class T>
  void field(const Field& field, T& member) {
    rows_.push_back({indent_, std::string(field.name), type_of<T>(field.constraint),
                     field.required ? "required" : default_text(std::as_const(member)), std::string(field.help)});
    add_inner<T>(indent_ + 1);
  }

  // The fields of the structs a member of type T may hold, below its own row.
  template <class T>
  void add_inner(int indent) {
    if constexpr (is_optional<T> || is_vector<T>) {
      add_inner<typename T::value_type>(indent);
    } else if constexpr (is_text_map<T>) {
      add_inner<typename T::mapped_type>(indent);
    } else if constexpr (is_variant<T>) {
      for_each_alternative<T>([&]<class A>(A alternative) {
        rows_.push_back({indent, std::string(A::kName), "", "", std::string(help_of<A>())});
        add_fields(alternative, indent + 1);
      });
    } else if constexpr (HasFields<T>) {
      add_fields(*std::make_unique<T>(), indent);
    }
  }

  const std::vector<HelpRow>& rows() const { return rows_; }

 private:
  template <class T>
  void add_fields(T& value, int indent) {
    HelpWriter inner(indent);
    value.fields(inner);
    rows_.insert(rows_.end(), inner.rows_.begin(), inner.rows_.end());
  }

  template <class T>
  static std::string default_text(const T& member) {
    if constexpr (is_optional<T>) return member ? default_text(*member) : "-";
    if constexpr (is_variant<T>) return std::visit([]<class A>(const A&) { return std::string(A::kName); }, member);
    if constexpr (HasFields<T> && !HasDumpHook<T>) return "";  // the rows below say it
    return to_flow(dump(member));
  }

  int indent_;
  std::vector<HelpRow> rows_;
};

template <class T>
std::string help() {
  HelpWriter writer(0);
  writer.add_inner<T>(0);
  return help_page(writer.rows());
}

template <class T>
std::string help_on(const std::string& path) {
  HelpWriter writer(0);
  writer.add_inner<T>(0);
  return help_page(rows_below(writer.rows(), path));
}

}  // namespace optdnn::config
