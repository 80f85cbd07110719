// Kernels whose blocks have several threads that wait for one another, emulated.
#include "support/kernel_checks.h"
#include "support/mock_device.h"
#include "support/mock_kernels.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;

TEST_CASE("kernels give the same numbers for any number of threads and processors, and leave their counters zero") {
  if (!accelerator()) return;
  for (const auto& [processors, threads] : {std::pair{1, 4}, {2, 7}, {3, 16}}) {
    CAPTURE(processors, threads);
    auto made = std::make_unique<MockLauncher>(processors, threads);
    const MockLauncher* launcher = made.get();
    kernels::set_launcher(mock_device().type(), std::move(made));
    for (const auto type : {torch::kFloat32, torch::kFloat16}) {
      check_batch_norm_relu({2, 16, 6, type}, mock_device());
      check_batch_norm_relu({2, 3, 4, type}, mock_device());
      check_batch_norm_relu({1, 40, 4, type}, mock_device());
    }
    check_layer_norm({5, 16, torch::kFloat32, torch::kFloat16}, mock_device());
    if (threads == 16) {
      for (const int64_t channels : {96, 192, 384, 101}) {
        check_layer_norm({3, channels, torch::kFloat16, torch::kFloat16}, mock_device());
      }
    }
    CHECK(launcher->counters_are_zero());
  }
  kernels::set_launcher(mock_device().type(), std::make_unique<MockLauncher>(1, 32));
  check_layer_norm({2, 768, torch::kBFloat16, torch::kBFloat16}, mock_device());
  check_layer_norm({2, 1024, torch::kFloat32, torch::kFloat16}, mock_device());
  check_layer_norm({2, 255, torch::kFloat16, torch::kFloat16, modules::NormReader::state}, mock_device());
  kernels::set_launcher(mock_device().type(), std::make_unique<MockLauncher>());
}
