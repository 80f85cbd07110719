// What holds of a module T, whatever its width: every spec answers this by traits().
#pragma once

#include <optional>

namespace optdnn::modules {

struct Traits {
  bool on_images = true;                    // works on images, else on vectors
  bool on_tokens = false;                   // works on tokens too
  bool two_layer = true;                    // contains a two-layer network W2 s(W1 .), the theorem's condition
  bool couples_samples = false;             // the result for one sample depends on the others of its batch
  bool takes_padding = false;               // its channels meet in products alone: some of zeros change nothing
  bool draws_at_random = false;             // another function at every evaluation, in training
  std::optional<double> lipschitz_bound{};  // the largest constant it can have, whatever its weights
};

}  // namespace optdnn::modules
