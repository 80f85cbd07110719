// A stretch of training: {epochs: 5}, {iterations: 2000} or {fraction: 0.1} of the whole; exactly one of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "optdnn/config/fields.h"

namespace optdnn::training {

// The length of a training run, in weight updates.
struct Length {
  int64_t iterations = 0;
  int64_t iterations_per_epoch = 1;
};

struct Duration {
  static constexpr std::string_view kHelp = "a stretch of training: epochs, iterations or a fraction of the whole";
  std::optional<double> epochs;
  std::optional<int64_t> iterations;
  std::optional<double> fraction;

  template <class Fields>
  void fields(Fields& f) {
    f("epochs", epochs, config::between(0, 1e6), "passes over the training set");
    f("iterations", iterations, config::between(0, 1e12), "weight updates");
    f("fraction", fraction, config::between(0, 1), "share of the whole training");
  }
  void check(config::Checker& c) const;

  // Rounded to whole iterations.
  int64_t in(const Length& length) const;
};

}  // namespace optdnn::training
