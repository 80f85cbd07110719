#include "optdnn/training/on_divergence.h"

#include <nlohmann/json.hpp>

#include "optdnn/config/dump.h"
#include "optdnn/config/reader.h"

namespace optdnn::training {

void OnDivergence::check(config::Checker& c) const {
  if (skip.has_value() != rollback.has_value()) return;
  c.error("", "on_divergence wants exactly one of skip and rollback", "stop, {skip: 3} or {rollback: 3}");
}

void read_value(config::Reader& reader, const config::Node& node, OnDivergence& policy) {
  if (!node.is_scalar()) return reader.read_fields(node, policy);
  policy = {};
  if (node.text() != "stop") reader.error(node, "on_divergence is stop, {skip: n} or {rollback: n}");
}

config::Node dump_value(const OnDivergence& policy) {
  return policy.stops() ? config::text_node("stop") : config::dump_fields(policy);
}

nlohmann::json schema_value(const OnDivergence&) {
  const nlohmann::json count = {{"type", "integer"}, {"minimum", 1}};
  const auto map = [&](const char* key) {
    return nlohmann::json{{"type", "object"},
                          {"additionalProperties", false},
                          {"properties", {{key, count}}},
                          {"required", nlohmann::json::array({key})}};
  };
  return {{"oneOf", {{{"const", "stop"}}, map("skip"), map("rollback")}}};
}

std::string type_text(const OnDivergence&) { return "stop, {skip: n} or {rollback: n}"; }

}  // namespace optdnn::training
