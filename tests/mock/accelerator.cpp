// The accelerator of this test program: the make-believe one, whose recorded iterations are tapes and whose kernels are
// emulated.
#include "support/mock_graph.h"
#include "support/mock_kernels.h"
#include "support/on_device.h"

namespace optdnn::tests {

// A process has one accelerator: ctest counts the program as skipped where LibTorch has brought a real one.
std::optional<Accelerator> accelerator(int threads) {
  if (torch::cuda::is_available()) {
    WARN("a GPU in its place: skipped");
    return std::nullopt;
  }
  const kernels::Launcher* launcher = kernels::launcher(mock_device());
  if (!launcher || launcher->threads() != threads)
    kernels::set_launcher(mock_device().type(), std::make_unique<MockLauncher>(3, threads));
  return Accelerator{mock_device(), [] { return std::make_unique<MockGraph>(); }};
}

}  // namespace optdnn::tests
