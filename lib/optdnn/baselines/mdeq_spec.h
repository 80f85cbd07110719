// What the YAML key `model` holds for mdeq.
#pragma once

#include "optdnn/baselines/baseline.h"
#include "optdnn/baselines/equilibrium.h"

namespace optdnn::baselines {

struct PretrainSpec {
  static constexpr std::string_view kHelp = "the first passes of training, which run a few steps and no solve";
  int64_t passes = 3000;
  int64_t steps = 10;
  template <class Fields>
  void fields(Fields& f) {
    f("passes", passes, config::between(1, 1e9), "forward passes of training, one an iteration unless accumulated");
    f("steps", steps, config::between(1, 1000), "of the transformation, from zero");
  }
};

struct MdeqSpec {
  static constexpr std::string_view kName = "mdeq";
  static constexpr std::string_view kHelp = "a multi-scale equilibrium network (Bai et al. 2020)";
  std::vector<int64_t> width = {24, 24};
  int64_t expansion = 5;
  double dropout = 0.25;
  std::vector<int64_t> head_width = {8, 16};
  int64_t features = 200;
  std::optional<PretrainSpec> pretrain;
  solvers::SolverSpec solver = solvers::AndersonSpec{};
  template <class Fields>
  void fields(Fields& f) {
    f("width", width, config::between(1, 4096) & config::not_empty(),
      "channels of every scale, each half the height and width of the one before");
    f("expansion", expansion, config::between(1, 64), "times the width inside a scale's block");
    f("dropout", dropout, config::at_least(0) & config::less_than(1),
      "probability of a zero channel inside the blocks, the same in all steps of a solve");
    f("head_width", head_width, config::between(1, 4096) & config::not_empty(),
      "of every scale, inside the head's bottleneck blocks");
    f("features", features, config::between(1, 65536), "channels before the last linear map");
    f("pretrain", pretrain, "a few steps and no solve while training begins");
    f("solver", solver, "finds the equilibrium of all scales together");
  }
  // Errors: ConfigError if the input is no image, or too small for its scales.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

}  // namespace optdnn::baselines
