// `grid` and `zip` of a table: which values a sweep sets, combination by combination.
#pragma once

#include <string>
#include <vector>

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/node.h"

namespace optdnn::config {

// One path of keys and the values it takes in turn.
struct Axis {
  std::string path;
  base::SourceSpan path_span;
  std::vector<Node> values;
};

// Axes that move together: each of a grid alone, those of a zip in one group. All of a group are of the same length.
using AxisGroup = std::vector<Axis>;

// What one combination sets, and its readable name, "depth=3-learning_rate=0.1".
struct SweepPoint {
  struct Value {
    const Axis* axis;
    Node value;
  };
  std::string label;
  std::vector<Value> values;
};

// The groups of the keys `grid` and `zip` of `map`.
std::vector<AxisGroup> read_axes(const Node& map, base::Diagnostics& diagnostics);

// Every combination, the first group turning slowest; one empty point if there are no groups. The points refer to
// `groups`. Errors: reported and none returned if there are more than `most`, or a path is swept twice.
std::vector<SweepPoint> sweep_points(const std::vector<AxisGroup>& groups, size_t most, base::Diagnostics& diagnostics);

// Whether setting one path would change the value at the other.
bool paths_overlap(std::string_view a, std::string_view b);

}  // namespace optdnn::config
