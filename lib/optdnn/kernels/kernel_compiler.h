// Compiles the project's kernels by NVRTC, which comes with LibTorch and is found when the program runs, so that it is
// built without CUDA.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "optdnn/kernels/kernel_store.h"

namespace optdnn::kernels {

class KernelCompiler {
 public:
  // For an architecture as in "sm_90", by the first of these libraries that is there. Errors: std::runtime_error where
  // none is.
  KernelCompiler(std::string architecture, KernelStore store, const std::vector<std::string>& nvrtc = kLibraries);

  // LibTorch's own, which knows where NVRTC lies, then NVRTC.
  static const std::vector<std::string> kLibraries;

  // A kernel, by its name as in "batch_norm_relu<Half, 8>": that of the store, or compiled and kept there.
  // Errors: std::runtime_error with what NVRTC says.
  CompiledKernel compiled(const std::string& kernel) const;

 private:
  struct Nvrtc;

  CompiledKernel compile(const std::string& kernel) const;
  std::string all_that_makes(const std::string& kernel) const;

  std::shared_ptr<const Nvrtc> nvrtc_;
  std::string architecture_;
  KernelStore store_;
};

}  // namespace optdnn::kernels
