// The loops over small layers.
#include "optdnn/kernels/small_matrix.h"

#include <limits>

#include "support/catch.h"

using namespace optdnn;

TEST_CASE("the fast tanh is right to a relative error of 4e-7, keeps NaN and never leaves [-1, 1]") {
  for (double x = -12; x <= 12; x += 1.0 / 4096) {
    const float y = kernels::fast_tanh(static_cast<float>(x));
    CAPTURE(x, y);
    if (std::abs(y - std::tanh(x)) > 4e-7 * std::abs(std::tanh(x)) || std::abs(y) > 1) FAIL();
  }
  for (float x = 1e-30f; x < 1; x *= 3) REQUIRE(std::abs(kernels::fast_tanh(x) / std::tanh(x) - 1) < 4e-7);
  const float infinity = std::numeric_limits<float>::infinity();
  REQUIRE(std::abs(kernels::fast_tanh(infinity) - 1) < 4e-7f);
  REQUIRE(std::abs(kernels::fast_tanh(-infinity) + 1) < 4e-7f);
  REQUIRE(std::isnan(kernels::fast_tanh(std::numeric_limits<float>::quiet_NaN())));
}
