#include "optdnn/experiment/kernel_times.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <map>

#include "optdnn/base/device.h"

namespace optdnn::experiment {

namespace {

using torch::profiler::impl::ActivityType;
using torch::profiler::impl::ProfilerConfig;
using torch::profiler::impl::ProfilerState;

}  // namespace

void start_kernel_times(const std::string& device) {
  base::synchronize(device);
  const ProfilerConfig config(ProfilerState::KINETO);
  torch::autograd::profiler::prepareProfiler(config, {ActivityType::CUDA});
  torch::autograd::profiler::enableProfiler(config, {ActivityType::CUDA});
}

std::vector<KernelTime> stop_kernel_times(const std::string& device) {
  base::synchronize(device);
  const auto result = torch::autograd::profiler::disableProfiler();
  std::map<std::string, KernelTime> by_name;
  for (const auto& event : result->events()) {
    if (event.deviceType() == c10::DeviceType::CPU) continue;
    KernelTime& time = by_name[event.name()];
    time.name = event.name();
    ++time.calls;
    time.us += 1e-3 * static_cast<double>(event.durationNs());
  }
  std::vector<KernelTime> times;
  for (auto& [name, time] : by_name) times.push_back(std::move(time));
  std::stable_sort(times.begin(), times.end(), [](const auto& a, const auto& b) { return a.us > b.us; });
  return times;
}

}  // namespace optdnn::experiment
