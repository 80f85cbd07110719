// The project's kernels on a CPU, from the text that a GPU's compiler gets: a GPU of a few processors whose blocks have
// a few threads. What it computes is what a GPU computes, up to the rounding of its instructions.
#pragma once

#include "optdnn/kernels/launcher.h"

namespace optdnn::tests {

class EmulatedLauncher : public kernels::Launcher {
 public:
  explicit EmulatedLauncher(int processors = 3, int threads = 1) : processors_(processors), threads_(threads) {}

  int processors() const override { return processors_; }
  int threads() const override { return threads_; }
  int shared_bytes() const override { return 227 << 10; }
  int* counters() override { return counters_.data(); }
  // None is left by a kernel that has ended.
  bool counters_are_zero() const;

 protected:
  bool can_start(const std::string& kernel) override;
  void start(const std::string& kernel, const kernels::Grid& grid, const void* arguments, size_t bytes) override;

 private:
  int processors_, threads_;
  std::vector<int> counters_ = std::vector<int>(kCounters);
};

}  // namespace optdnn::tests
