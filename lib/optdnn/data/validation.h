// The YAML key `dataset.validation`: samples held out of the training set, on which values are chosen and checkpoints
// kept, so that nothing is chosen on the test set.
//   sets that are read   stratified: of class c, V n_c / N samples (largest remainder), drawn by counter from stream
//                        (0, "validation", 0, c); the same for every seed
//   vector tasks         a stream of its own with the training distribution, (0, "<task>/valid", 0, i)
// Choice: a fixed set of a task is not divided either, as its generator has more samples of the same kind.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "optdnn/config/fields.h"

namespace optdnn::data {

struct ValidationSpec {
  static constexpr std::string_view kHelp = "samples on which values are chosen and checkpoints are kept";
  std::optional<double> fraction;
  std::optional<int64_t> samples;

  template <class Fields>
  void fields(Fields& f) {
    f("fraction", fraction, config::above(0) & config::less_than(1), "share of the training samples of an epoch");
    f("samples", samples, config::between(1, 1 << 26), "number of samples");
  }
  void check(config::Checker& checker) const;

  // Of `train` training samples; at least one.
  int64_t size(int64_t train) const;
};

// Numbers of training samples, each list ascending; together they are all of them.
struct Division {
  std::vector<int64_t> kept, held_out;
};

// Holds out `total`, of class c by a permutation from stream (seed, purpose, 0, c). Requires: 0 <= total <= all.
Division divide(std::span<const int64_t> labels, int64_t classes, int64_t total, uint64_t seed,
                std::string_view purpose);

// Errors: ConfigError if nothing would be left to train on.
Division divide(std::span<const int64_t> labels, int64_t classes, const ValidationSpec& spec);

}  // namespace optdnn::data
