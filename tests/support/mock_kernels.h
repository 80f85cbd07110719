// The project's kernels on the make-believe device: emulated on its memory, and told to whoever watches it.
#pragma once

#include "support/emulated_kernels.h"

namespace optdnn::tests {

class MockLauncher : public EmulatedLauncher {
 public:
  using EmulatedLauncher::EmulatedLauncher;

 private:
  void start(const std::string& kernel, const kernels::Grid& grid, const void* arguments, size_t bytes) override;
};

}  // namespace optdnn::tests
