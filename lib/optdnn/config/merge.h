// Overriding one tree by another, or one value by its path.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/node.h"

namespace optdnn::config {

// Keys that displace others when they override: {"model", {"algorithm", "module"}} takes algorithm and module out of a
// map into which `model` is merged, at any depth, unless the overriding map gives them itself.
using Displaced = std::map<std::string, std::vector<std::string>>;

// Maps are merged key by key. What `over` replaces whole: scalars, lists, and a map by a map that holds `name`, since
// another choice has other keys.
Node merge(const Node& base, const Node& over, const Displaced& displaced = {});

// `map` without these keys.
Node without_keys(const Node& map, const std::vector<std::string>& keys);

// `tree` with `value` at the dotted `path`. Maps that are missing are made; a choice written by its name alone
// (`optimizer: sgd`) becomes a map. `path_span` is where the path is written.
// Errors: reported if a segment is empty or the path leads through a list or a number; then `tree` is returned.
Node set_path(const Node& tree, std::string_view path, const base::SourceSpan& path_span, const Node& value,
              base::Diagnostics& diagnostics, const Displaced& displaced = {});

// An override from the command line, "optimizer.learning_rate=0.05", the value in strict YAML; its places are in a
// source named "--set".
struct Override {
  std::string path;
  base::SourceSpan path_span;
  Node value;  // null if it was refused
};
Override read_set(std::string_view assignment, base::Diagnostics& diagnostics);
Node apply_set(const Node& tree, std::string_view assignment, base::Diagnostics& diagnostics);

}  // namespace optdnn::config
