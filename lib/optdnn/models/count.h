// What the run of a rule costs, worked out from specs: no network is built.
#pragma once

#include "optdnn/models/opt_net.h"
#include "optdnn/modules/count.h"

namespace optdnn::models {

using modules::Count;
using modules::Extent;

struct PartCount {
  Count count;
  Extent at;  // of what it hands on
};

// What stands around the stages (ends.h). Require parts that fit.
PartCount count_stem(const std::optional<StemSpec>& spec, const NetworkShape& shape, int64_t width);
PartCount count_transition(const TransitionSpec& spec, int64_t before, int64_t after, const Extent& at, bool image);
Count count_head(const std::optional<HeadSpec>& spec, const NetworkShape& shape, int64_t width, const Extent& at);

// A map u = F(u) that is solved for: forward all the solver's steps and one more are taken, backward those that its
// gradient passes. The solver's own products are not counted.
Count solved(const Count& map, const solvers::SolverSpec& solver);

// How often a stage evaluates the modules of a family. It does not depend on widths.
struct FamilyUse {
  int64_t sets = 0;    // of weights
  int64_t passes = 0;  // forward, those of solves included, which take all their steps
  int64_t kept = 0;    // of these for the backward pass
};
struct StageUse {
  std::vector<FamilyUse> families;  // in the rule's order
  std::vector<FamilyUse> on_input;  // those whose argument has the width of the stage's input, if that is another
  int64_t coefficients = 0;         // learnt numbers
};
// Errors: ConfigError if the rule cannot be run to that depth.
std::vector<StageUse> count_uses(const algorithms::Rule& rule, const OptNetSpec& spec);

// Requires a network that can be built, and the uses of a spec that differs in widths at most.
Count count_opt_net(const std::vector<StageUse>& uses, const OptNetSpec& spec, const NetworkShape& shape);

}  // namespace optdnn::models
