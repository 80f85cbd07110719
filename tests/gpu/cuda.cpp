// The accelerator of this test program: the first GPU.
#include "optdnn/base/device.h"
#include "support/on_device.h"

namespace optdnn::tests {

// ctest reads the line of the warning and counts the program as skipped.
std::optional<Accelerator> accelerator(int /*threads*/) {
  if (torch::cuda::is_available()) return Accelerator{torch::Device(torch::kCUDA, 0), {}};
  if (base::has_unusable_gpu()) FAIL("there is a GPU, and LibTorch cannot use it");
  WARN("no GPU: skipped");
  return std::nullopt;
}

}  // namespace optdnn::tests
