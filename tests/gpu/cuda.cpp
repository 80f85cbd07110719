// The accelerator of this test program: the first GPU. Its kernels are kept where those of the program are.
#include <cstdlib>

#include "optdnn/base/device.h"
#include "optdnn/kernels/kernel_store.h"
#include "support/on_device.h"

namespace optdnn::tests {

// ctest reads the line of the warning and counts the program as skipped.
std::optional<Accelerator> accelerator(int /*threads*/) {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);  // as the program does
  kernels::keep_kernels_in(kernels::users_kernel_folder(std::getenv));
  if (torch::cuda::is_available()) return Accelerator{torch::Device(torch::kCUDA, 0), {}};
  if (base::has_unusable_gpu()) FAIL("there is a GPU, and LibTorch cannot use it");
  WARN("no GPU: skipped");
  return std::nullopt;
}

}  // namespace optdnn::tests
