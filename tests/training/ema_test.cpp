// The moving average beside its formula.
#include "optdnn/training/ema.h"

#include "support/catch.h"
#include "training/small_nets.h"

namespace optdnn::training {

TEST_CASE("the moving average is its formula, and swapping twice is nothing") {
  auto network = make_net(Net::with_batch_norm);
  const torch::Tensor start = flat_weights(network);
  Ema ema(*network.ptr(), 0.75);
  torch::Tensor expected = start;
  for (int i = 0; i < 3; ++i) {
    const torch::NoGradGuard no_grad;
    for (torch::Tensor parameter : network.ptr()->parameters()) parameter.add_(1 + i);
    ema.update();
    expected = 0.75 * expected + 0.25 * flat_weights(network);
  }
  const torch::Tensor weights = flat_weights(network);
  ema.swap();
  REQUIRE(torch::allclose(flat_weights(network), expected, 1e-6, 1e-6));
  REQUIRE(!torch::equal(flat_weights(network), weights));
  ema.swap();
  REQUIRE(torch::equal(flat_weights(network), weights));
  REQUIRE(ema.state().contains("layers.1.running_mean"));
}

}  // namespace optdnn::training
