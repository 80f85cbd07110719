// The JSON schema (draft 2020-12) of a struct, so that editors complete and check a config.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"

namespace optdnn::config {

template <class T>
nlohmann::json json_schema();

// --- how it is done ---

template <class T>
concept HasSchemaHook = requires(const T& value) {
  { schema_value(value) } -> std::same_as<nlohmann::json>;
};

template <class T>
nlohmann::json value_schema(const Constraint& constraint = {});

// {"type": type} with the bounds of a constraint.
nlohmann::json scalar_schema(std::string_view type, const Constraint& constraint);
// A map of these properties and no others.
nlohmann::json object_schema(nlohmann::json properties, nlohmann::json required);

class SchemaWriter : public FieldVisitor<SchemaWriter> {
 public:
  template <class T>
  void field(const Field& field, T& member) {
    nlohmann::json schema = value_schema<T>(field.constraint);
    schema["description"] = field.help;
    if (field.required) {
      required_.push_back(field.name);
    } else if (const Node value = dump(std::as_const(member)); !value.is_null()) {
      schema["default"] = to_json(value);
    }
    properties_[std::string(field.name)] = std::move(schema);
  }
  void name(std::string_view name) {
    properties_["name"] = {{"const", name}};
    required_.push_back("name");
  }
  nlohmann::json take() { return object_schema(std::move(properties_), std::move(required_)); }
  bool has_required() const { return !required_.empty(); }

 private:
  nlohmann::json properties_ = nlohmann::json::object();
  nlohmann::json required_ = nlohmann::json::array();
};

template <class Variant>
nlohmann::json variant_schema() {
  auto choices = nlohmann::json::array();
  auto names = nlohmann::json::array();
  for_each_alternative<Variant>([&]<class A>(A alternative) {
    SchemaWriter writer;
    alternative.fields(writer);
    if (!writer.has_required()) names.push_back(A::kName);
    writer.name(A::kName);
    nlohmann::json schema = writer.take();
    schema["description"] = help_of<A>();
    choices.push_back(std::move(schema));
  });
  const nlohmann::json by_name = {{"enum", names}};
  if (!names.empty()) choices.insert(choices.begin(), by_name);
  return {{"oneOf", choices}};
}

template <class T>
nlohmann::json value_schema(const Constraint& constraint) {
  using nlohmann::json;
  if constexpr (HasSchemaHook<T>) {
    return schema_value(T{});
  } else if constexpr (std::same_as<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::integral<T>) {
    return scalar_schema("integer",
                         std::unsigned_integral<T> && !constraint.low ? constraint & at_least(0) : constraint);
  } else if constexpr (std::floating_point<T>) {
    return scalar_schema("number", constraint);
  } else if constexpr (std::same_as<T, std::string>) {
    return scalar_schema("string", constraint);
  } else if constexpr (NamedEnum<T>) {
    return {{"enum", enum_names(T{}).names()}};
  } else if constexpr (is_optional<T>) {
    return value_schema<typename T::value_type>(constraint);
  } else if constexpr (is_vector<T>) {
    json schema = {{"type", "array"}, {"items", value_schema<typename T::value_type>(constraint)}};
    if (constraint.not_empty) schema["minItems"] = 1;
    return schema;
  } else if constexpr (is_one_or_many<T>) {
    const json one = value_schema<typename decltype(T::values)::value_type>(constraint);
    return {{"oneOf", {one, {{"type", "array"}, {"items", one}, {"minItems", 1}}}}};
  } else if constexpr (is_array<T>) {
    const size_t n = std::tuple_size_v<T>;
    return {{"type", "array"},
            {"items", value_schema<typename T::value_type>(constraint)},
            {"minItems", n},
            {"maxItems", n}};
  } else if constexpr (is_pair<T>) {
    return {{"type", "array"},
            {"items", value_schema<typename T::first_type>(constraint)},
            {"minItems", 2},
            {"maxItems", 2}};
  } else if constexpr (is_text_map<T>) {
    return {{"type", "object"}, {"additionalProperties", value_schema<typename T::mapped_type>(constraint)}};
  } else if constexpr (is_variant<T>) {
    return variant_schema<T>();
  } else if constexpr (HasFields<T>) {
    SchemaWriter writer;
    std::make_unique<T>()->fields(writer);
    return writer.take();
  } else {
    return json::object();  // anything; a type with a reader of its own
  }
}

template <class T>
nlohmann::json json_schema() {
  nlohmann::json schema = value_schema<T>();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  if (!help_of<T>().empty()) schema["description"] = help_of<T>();
  return schema;
}

}  // namespace optdnn::config
