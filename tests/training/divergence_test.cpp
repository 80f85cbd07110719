// The two ways of noticing a loss that is not finite: at once, and without waiting for the device.
#include "optdnn/training/divergence.h"

#include "support/catch.h"

namespace optdnn::training {
namespace {
const torch::Tensor kFine = torch::tensor(1.0f), kBad = torch::tensor(std::numeric_limits<float>::infinity());
const torch::Tensor kSecondBad = torch::tensor({1.0f, std::numeric_limits<float>::quiet_NaN(), 3.0f});
}  // namespace

TEST_CASE("on the CPU a bad loss is known at once") {
  DivergenceGuard guard(false, torch::kCPU, {100, 10}, 2);
  guard.begin(0);
  guard.watch(kFine, "loss");
  REQUIRE(!guard.skip());
  REQUIRE(!guard.all_diverged());
  guard.begin(45);
  guard.watch(kBad, "loss");
  guard.begin(46);
  guard.watch(kBad, "loss");
  REQUIRE(guard.all_diverged());
  REQUIRE(std::string(guard.error(0)->what()) ==
          "the loss of iteration 23 (epoch 3, batch 6) is not finite; the weights are those after iteration 22");
}

TEST_CASE("deferred, the first bad loss skips every later update and is named when asked") {
  DivergenceGuard guard(true, torch::kCPU, {100, 10}, 2);
  guard.begin(44);
  guard.watch(kFine, "loss");
  REQUIRE(guard.skip()->item<float>() == 0);
  guard.sync();
  REQUIRE(!guard.error(0));
  int64_t batch = 45;
  for (const auto& value : {kBad, kFine, kBad}) {
    guard.begin(batch++);
    guard.watch(value, "loss");
    REQUIRE(guard.skip()->item<float>() == 1);
  }
  REQUIRE(!guard.error(0));
  guard.sync();
  REQUIRE(std::string(guard.error(0)->what()) ==
          "the loss or gradient of iteration 23 (epoch 3, batch 6) is not finite; the weights are those after "
          "iteration 22");
}

TEST_CASE("of several runs the one that diverged is named, at once or when asked") {
  for (const bool deferred : {false, true}) {
    DivergenceGuard guard(deferred, torch::kCPU, {100, 10}, 1, 3);
    guard.begin(12);
    guard.watch(kSecondBad, "loss");
    guard.sync();
    REQUIRE(!guard.error(0));
    REQUIRE(guard.error(1));
    REQUIRE(!guard.all_diverged());
    REQUIRE(guard.frozen()->equal(torch::tensor({false, true, false})));
  }
}

}  // namespace optdnn::training
