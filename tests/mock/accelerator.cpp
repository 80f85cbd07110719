// The accelerator of this test program: the make-believe one, whose recorded iterations are tapes.
#include "support/mock_graph.h"
#include "support/on_device.h"

namespace optdnn::tests {

// A process has one accelerator: ctest counts the program as skipped where LibTorch has brought a real one.
std::optional<Accelerator> accelerator() {
  if (torch::cuda::is_available()) {
    WARN("a GPU in its place: skipped");
    return std::nullopt;
  }
  return Accelerator{mock_device(), [] { return std::make_unique<MockGraph>(); }};
}

}  // namespace optdnn::tests
