// The two ways of noticing a loss that is not finite: at once, and without waiting for the device.
#include "optdnn/training/divergence.h"

#include "optdnn/base/errors.h"
#include "support/catch.h"

namespace optdnn::training {
namespace {
const torch::Tensor kFine = torch::tensor(1.0f), kBad = torch::tensor(std::numeric_limits<float>::infinity());
}

TEST_CASE("on the CPU a bad loss is thrown at once") {
  DivergenceGuard guard(false, torch::kCPU, {100, 10}, 2);
  guard.watch(kFine, "loss", 0);
  REQUIRE(!guard.skip());
  REQUIRE_THROWS_WITH(
      guard.watch(kBad, "loss", 45),
      "the loss of iteration 23 (epoch 3, batch 6) is not finite; the weights are those after iteration 22");
}

TEST_CASE("deferred, the first bad loss skips every later update and is named when asked") {
  DivergenceGuard guard(true, torch::kCPU, {100, 10}, 2);
  guard.watch(kFine, "loss", 44);
  REQUIRE(guard.skip()->item<float>() == 0);
  REQUIRE_NOTHROW(guard.check());
  for (const auto& value : {kBad, kFine, kBad}) {
    static int64_t batch = 45;
    guard.watch(value, "loss", batch++);
    REQUIRE(guard.skip()->item<float>() == 1);
  }
  REQUIRE_THROWS_WITH(guard.check(),
                      "the loss or gradient of iteration 23 (epoch 3, batch 6) is not finite; the weights are those "
                      "after iteration 22");
}

}  // namespace optdnn::training
