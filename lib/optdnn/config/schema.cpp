#include "optdnn/config/schema.h"

namespace optdnn::config {

nlohmann::json scalar_schema(std::string_view type, const Constraint& constraint) {
  nlohmann::json schema = {{"type", type}};
  const auto bound = [](const Constraint::Bound& b) { return to_json(dump(b.value)); };
  if (constraint.low) schema[constraint.low->open ? "exclusiveMinimum" : "minimum"] = bound(*constraint.low);
  if (constraint.high) schema[constraint.high->open ? "exclusiveMaximum" : "maximum"] = bound(*constraint.high);
  if (type == "string" && constraint.not_empty) schema["minLength"] = 1;
  return schema;
}

nlohmann::json object_schema(nlohmann::json properties, nlohmann::json required) {
  nlohmann::json schema = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace optdnn::config
