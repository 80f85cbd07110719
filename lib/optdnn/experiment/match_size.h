// Sizes other than the stages' widths by which `match` can scale a network: the hidden units of its modules, where stem
// or head fix the state's width or the row asks for it, and the width, growth or widening of a baseline.
#pragma once

#include <functional>
#include <string>

#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

struct MatchedSize {
  std::string name;             // "hidden", "width", "growth"
  std::vector<int64_t*> parts;  // in the spec; scaled together
};

// Nothing where the stages' widths are scaled. Errors: ConfigError if there is nothing to scale, or
// the network cannot be built.
std::optional<MatchedSize> matched_size(ExperimentSpec& spec);

// Sets the parts to the whole numbers, a common multiple of what they are, whose cost is closest to the target.
// Requires a cost that does not fall as they grow.
void scale_to(const MatchedSize& size, double target, const std::function<double()>& cost);

}  // namespace optdnn::experiment
