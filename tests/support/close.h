// Tensors that are equal up to a tolerance, relative and absolute.
#pragma once

#include <torch/torch.h>

#include "support/catch.h"

namespace optdnn::tests {

inline void check_close(const torch::Tensor& a, const torch::Tensor& b, double tolerance) {
  INFO("largest difference " << (a - b).abs().max().item<double>());
  CHECK(torch::allclose(a, b, tolerance, tolerance));
}

}  // namespace optdnn::tests
