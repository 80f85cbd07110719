#include "optdnn/config/json.h"

#include <cmath>

#include "optdnn/base/json_text.h"
#include "optdnn/config/scalar.h"

namespace optdnn::config {

namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

nlohmann::json scalar_to_json(const Node& node) {
  if (node.is_quoted()) return node.text();
  switch (scalar_type(node.text())) {
    case ScalarType::boolean:
      return node.text() == "true";
    case ScalarType::integer:
      if (const auto value = parse_integer(node.text())) return *value;
      if (const auto value = parse_unsigned(node.text())) return *value;
      return node.text();
    case ScalarType::real: {
      const auto value = parse_real(node.text());
      if (!value) return node.text();
      if (*value == std::floor(*value) && std::abs(*value) < kExactIntegers) return static_cast<int64_t>(*value);
      return *value;
    }
    case ScalarType::text:
      break;
  }
  return node.text();
}

}  // namespace

nlohmann::json to_json(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::null:
      return nullptr;
    case Node::Kind::scalar:
      return scalar_to_json(node);
    case Node::Kind::sequence: {
      auto json = nlohmann::json::array();
      for (const Node& item : node.items()) json.push_back(to_json(item));
      return json;
    }
    case Node::Kind::map:
      break;
  }
  auto json = nlohmann::json::object();
  for (const Node::Entry& entry : node.entries()) json[entry.key] = to_json(entry.value);
  return json;
}

std::string canonical_json(const Node& node) { return base::json_line(to_json(node)); }

}  // namespace optdnn::config
