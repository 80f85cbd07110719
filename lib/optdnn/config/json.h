// A tree as JSON: plain scalars that are numbers or booleans become such, all others are texts.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "optdnn/config/node.h"

namespace optdnn::config {

nlohmann::json to_json(const Node& node);

// One text per value of a tree, for hashing: keys sorted, 1, 1.0 and 1e0 the same.
std::string canonical_json(const Node& node);

}  // namespace optdnn::config
