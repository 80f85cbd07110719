// From a tree to YAML text that reads back as the same tree.
#pragma once

#include <string>
#include <string_view>

#include "optdnn/config/node.h"

namespace optdnn::config {

// With `origins`, the tree the values were read from, each value is followed by where it stands there:
//
//   learning_rate: 0.05  # --set
//   momentum: 0.9        # configs/table_3.yaml:17
//   nesterov: false      # default
std::string to_yaml(const Node& node, const Node* origins = nullptr);

// The same in one line: {name: sgd, range: [0, 1]}.
std::string to_flow(const Node& node);

// A text cut to what a message can show, its line ends replaced.
std::string excerpt(std::string_view text, size_t width = 60);

}  // namespace optdnn::config
