// Where a GPU's time goes: what it runs between start and stop, by name, as LibTorch's profiler has it from the driver;
// replayed iterations too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace optdnn::experiment {

struct KernelTime {
  std::string name;  // of a kernel, a copy or a fill
  int64_t calls = 0;
  double us = 0;  // microseconds, of all calls
};

// Requires: nothing else is profiled. The device is waited for in both.
void start_kernel_times(const std::string& device);
// The longest in all first.
std::vector<KernelTime> stop_kernel_times(const std::string& device);

}  // namespace optdnn::experiment
