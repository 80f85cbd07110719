// From typed structs back to a complete tree, and from a tree to YAML text that reads back as the same tree.
#pragma once

#include <string>

#include "optdnn/config/fields.h"

namespace optdnn::config {

// Every field with its value; std::optional fields that hold none are left out.
template <class T>
Node dump(const T& value);

// With `origins`, the tree the values were read from, each value is followed by where it stands there:
//
//   learning_rate: 0.05  # --set
//   momentum: 0.9        # configs/table_3.yaml:17
//   nesterov: false      # default
std::string to_yaml(const Node& node, const Node* origins = nullptr);

// A scalar whose text reads back as this value.
Node text_node(std::string text);
Node number_node(double value);

}  // namespace optdnn::config
