// The YAML key `match`: what the network shall cost; the widths of its stages are then found.
#pragma once

#include <optional>
#include <string_view>

#include "optdnn/config/reader.h"

namespace optdnn::experiment {

struct MatchSpec {
  static constexpr std::string_view kHelp =
      "the stages' widths are scaled, keeping their ratios, until the network costs this much";
  std::optional<double> multiply_adds;
  std::optional<double> parameters;

  template <class Fields>
  void fields(Fields& f) {
    f("multiply_adds", multiply_adds, config::above(0), "of one sample's forward pass");
    f("parameters", parameters, config::above(0), "of the whole network");
  }
  void check(config::Checker& checker) const;
};

}  // namespace optdnn::experiment
