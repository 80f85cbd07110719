// The YAML key `match`: what the network shall cost; its sizes are then found.
#pragma once

#include <optional>
#include <string_view>

#include "optdnn/config/reader.h"

namespace optdnn::experiment {

enum class Vary { width, hidden };
const base::NameTable<Vary>& enum_names(Vary);

struct MatchSpec {
  static constexpr std::string_view kHelp =
      "the stages' widths (hidden units where the width is fixed; a model's width or growth) are scaled, keeping their "
      "ratios, until the network costs this much";
  std::optional<double> multiply_adds;
  std::optional<double> parameters;
  std::optional<Vary> vary;

  template <class Fields>
  void fields(Fields& f) {
    f("multiply_adds", multiply_adds, config::above(0), "of one sample's forward pass");
    f("parameters", parameters, config::above(0), "of the whole network");
    f("vary", vary, "what is scaled of a rule's network; default: width, or hidden where stem or head fix the width");
  }
  void check(config::Checker& checker) const;
};

}  // namespace optdnn::experiment
