// The loops over small layers.
#include "optdnn/kernels/small_matrix.h"

#include <limits>

#include "support/catch.h"

using namespace optdnn;

namespace {

float fast_tanh(float x) {
  kernels::to_tanh(x);
  return x;
}

}  // namespace

TEST_CASE("the fast tanh is right to a relative error of 4e-7, keeps NaN and never leaves [-1, 1]") {
  for (double x = -12; x <= 12; x += 1.0 / 4096) {
    const float y = fast_tanh(static_cast<float>(x));
    CAPTURE(x, y);
    if (std::abs(y - std::tanh(x)) > 4e-7 * std::abs(std::tanh(x)) || std::abs(y) > 1) FAIL();
  }
  for (float x = 1e-30f; x < 1; x *= 3) REQUIRE(std::abs(fast_tanh(x) / std::tanh(x) - 1) < 4e-7);
  const float infinity = std::numeric_limits<float>::infinity();
  REQUIRE(std::abs(fast_tanh(infinity) - 1) < 4e-7f);
  REQUIRE(std::abs(fast_tanh(-infinity) + 1) < 4e-7f);
  REQUIRE(std::isnan(fast_tanh(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("the fast tanh of a vector is that of its numbers") {
  using W = kernels::Wide<16, float>;
  for (float x = -12; x <= 12; x += 1.0f / 64) {
    float numbers[W::kOfPart] = {x, x / 7, -3 * x, std::numeric_limits<float>::quiet_NaN()};
    kernels::to_tanh(W::at(numbers));
    CAPTURE(x);
    REQUIRE(numbers[0] == fast_tanh(x));
    REQUIRE(numbers[1] == fast_tanh(x / 7));
    REQUIRE(numbers[2] == fast_tanh(-3 * x));
    REQUIRE(std::isnan(numbers[3]));
  }
}
