#include "optdnn/kernels/launcher.h"

#include <atomic>

namespace optdnn::kernels {

namespace {

struct Launchers {
  std::mutex mutex;
  std::map<std::pair<c10::DeviceType, int>, std::unique_ptr<Launcher>> by_device;
};

Launchers& launchers() {
  static auto* all = new Launchers;  // never destroyed: CUDA may end before
  return *all;
}

std::atomic<bool>& used() {
  static std::atomic<bool> used = true;
  return used;
}

}  // namespace

std::map<std::string, int64_t> Launcher::launches() const {
  const std::lock_guard lock(mutex_);
  return launches_;
}

void Launcher::count(const std::string& kernel) {
  const std::lock_guard lock(mutex_);
  ++launches_[kernel];
}

Launcher* launcher(const torch::Device& device) {
  if (device.is_cpu() || !used()) return nullptr;
  auto& [mutex, by_device] = launchers();
  const std::lock_guard lock(mutex);
  const int index = device.has_index() ? device.index() : 0;
  const auto [found, is_new] = by_device.try_emplace({device.type(), index});
  if (is_new && device.is_cuda()) found->second = make_cuda_launcher(index);
  return found->second.get();
}

void use_launchers(bool use) { used() = use; }

void set_launcher(c10::DeviceType type, std::unique_ptr<Launcher> launcher) {
  auto& [mutex, by_device] = launchers();
  const std::lock_guard lock(mutex);
  by_device[{type, 0}] = std::move(launcher);
}

std::string_view kernel_type(torch::Dtype type) {
  switch (type) {
    case torch::kFloat32:
      return "float";
    case torch::kFloat16:
      return "Half";
    case torch::kBFloat16:
      return "BFloat16";
    default:
      return "";
  }
}

}  // namespace optdnn::kernels
