#include "optdnn/config/sweep.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/config/yaml_text.h"

namespace optdnn::config {

using base::concat;

namespace {

constexpr size_t kValueWidth = 40;  // of a value in a label

AxisGroup read_axis_map(const Node::Entry& sweep, base::Diagnostics& diagnostics) {
  AxisGroup axes;
  if (!sweep.value.is_map() && !sweep.value.is_null()) {
    diagnostics.error(sweep.value.span(), concat("'", sweep.key, "' must be a map of paths to lists of values"),
                      concat("for instance ", sweep.key, ": {optimizer.learning_rate: [0.1, 0.2]}"));
  }
  for (const Node::Entry& entry : sweep.value.entries()) {
    if (entry.value.is_null()) continue;
    if (!entry.value.is_sequence() || entry.value.items().empty()) {
      diagnostics.error(entry.value.span(),
                        concat("'", excerpt(entry.key), "' in ", sweep.key, " must be a list of values"),
                        entry.value.is_map() ? "write a path with dots: optimizer.learning_rate" : "");
      continue;
    }
    axes.push_back({entry.key, entry.key_span, entry.value.items()});
  }
  return axes;
}

std::string last_key(const std::string& path) { return path.substr(path.rfind('.') + 1); }

std::string value_label(const Node& value, size_t index) {
  std::string label;
  if (value.is_scalar()) {
    label = value.text();
  } else if (value.is_sequence()) {
    for (const Node& item : value.items()) label += concat(label.empty() ? "" : "-", item.text());
  } else if (const Node* name = value.find("name")) {
    label = name->text();
  }
  if (label.empty()) label = concat("item", index + 1);
  label.resize(std::min(label.size(), kValueWidth));
  for (char& c : label) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("._+-").find(c) != std::string_view::npos;
    if (!fits) c = '_';
  }
  return label;
}

bool check_paths(const std::vector<const Axis*>& axes, base::Diagnostics& diagnostics) {
  for (size_t i = 0; i < axes.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (!paths_overlap(axes[i]->path, axes[k]->path)) continue;
      diagnostics.error(axes[i]->path_span, concat("'", axes[i]->path, "' is swept twice"),
                        concat("also at ", axes[k]->path_span.text()));
      return false;
    }
  }
  return true;
}

}  // namespace

bool paths_overlap(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (a.size() == b.size() || b[a.size()] == '.');
}

std::vector<AxisGroup> read_axes(const Node& map, base::Diagnostics& diagnostics) {
  std::vector<AxisGroup> groups;
  if (const Node::Entry* grid = map.find_entry("grid")) {
    for (Axis& axis : read_axis_map(*grid, diagnostics)) groups.push_back({std::move(axis)});
  }
  if (const Node::Entry* zip = map.find_entry("zip")) {
    AxisGroup axes = read_axis_map(*zip, diagnostics);
    for (const Axis& axis : axes) {
      if (axis.values.size() == axes[0].values.size()) continue;
      diagnostics.error(axis.path_span,
                        concat("'", axis.path, "' has ", axis.values.size(), " values, but '", axes[0].path, "' has ",
                               axes[0].values.size()),
                        "lists in a zip are of the same length; a grid makes every combination");
      return groups;
    }
    if (!axes.empty()) groups.push_back(std::move(axes));
  }
  return groups;
}

std::vector<SweepPoint> sweep_points(const std::vector<AxisGroup>& groups, size_t most,
                                     base::Diagnostics& diagnostics) {
  std::vector<const Axis*> axes;
  size_t count = 1;
  for (const AxisGroup& group : groups) {
    for (const Axis& axis : group) axes.push_back(&axis);
    count *= group[0].values.size();
    if (count <= most) continue;
    diagnostics.error(
        group[0].path_span,
        concat("this sweep makes more than ", base::with_thousands(static_cast<long long>(most)), " rows"),
        "sweep over fewer values");
    return {};
  }
  if (!check_paths(axes, diagnostics)) return {};
  const auto shown = [&](const std::string& path) {
    const auto same = [&](const Axis* axis) { return last_key(axis->path) == last_key(path); };
    return std::count_if(axes.begin(), axes.end(), same) > 1 ? path : last_key(path);
  };

  std::vector<SweepPoint> points(1);
  for (const AxisGroup& group : groups) {
    std::vector<SweepPoint> longer;
    for (const SweepPoint& point : points) {
      for (size_t i = 0; i < group[0].values.size(); ++i) {
        SweepPoint next = point;
        for (const Axis& axis : group) {
          next.label += concat(next.label.empty() ? "" : "-", shown(axis.path), "=", value_label(axis.values[i], i));
          next.values.push_back({&axis, axis.values[i]});
        }
        longer.push_back(std::move(next));
      }
    }
    points = std::move(longer);
  }
  return points;
}

}  // namespace optdnn::config
