#include "optdnn/kernels/launcher.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>

#include "optdnn/base/text.h"

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

struct LeftOut {
  std::mutex mutex;
  std::vector<std::string> files;
};

LeftOut& left_out() {
  static auto* all = new LeftOut;
  return *all;
}

// optdnn/kernels/gpu/combine.cuh -> combine
std::string stem_of(std::string_view file) { return std::filesystem::path(file).stem().string(); }

std::atomic<bool>& used() {
  static std::atomic<bool> used = true;
  return used;
}

std::atomic<bool>& overlapping() {
  static std::atomic<bool> overlapping = false;
  return overlapping;
}

}  // namespace

bool Launcher::has(const std::string& kernel) {
  {
    auto& [mutex, files] = left_out();
    const std::lock_guard lock(mutex);
    if (!files.empty() && std::find(files.begin(), files.end(), stem_of(file_of_kernel(kernel))) != files.end())
      return false;
  }
  return can_start(kernel);
}

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

Launches launches(const torch::Device& device) {
  const Launcher* of_device = launcher(device);
  return of_device ? of_device->launches() : Launches();
}

void use_launchers(bool use) { used() = use; }

void overlap_kernels(bool overlap) { overlapping() = overlap; }
bool kernels_overlap() { return overlapping(); }

std::string why_no_overlap(const torch::Device& device) {
  const Launcher* of_device = launcher(device);
  return of_device ? of_device->why_no_overlap() : "the project's kernels do not run there";
}

void leave_out_kernels(const std::vector<std::string>& names) {
  auto& [mutex, files] = left_out();
  const std::lock_guard lock(mutex);
  files = names;
}

std::string file_of_kernel(const std::string& kernel) {
  const std::string called = base::concat(" ", kernel.substr(0, kernel.find('<')), "(const ");
  for (const auto& [name, text] : kernel_texts()) {
    const std::string_view all = text;
    const size_t at = all.find(called), begin = at == all.npos ? at : all.rfind('\n', at) + 1;
    if (at != all.npos && all.substr(begin).starts_with("KERNEL")) return name;
  }
  throw std::runtime_error("there is none of this name");
}

std::vector<std::string> kernel_files() {
  std::vector<std::string> files;
  for (const auto& [name, text] : kernel_texts()) {
    if (std::string_view(text).find("\nKERNEL") != std::string_view::npos) files.push_back(stem_of(name));
  }
  return files;
}

Launches launches_since(const Launches& before, const Launches& after) {
  Launches since = after;
  for (const auto& [kernel, times] : before) since[kernel] -= times;
  std::erase_if(since, [](const auto& kernel) { return kernel.second == 0; });
  return since;
}

std::vector<std::string> files_started(const Launches& before, const Launches& after) {
  std::set<std::string> files;
  for (const auto& [kernel, times] : launches_since(before, after)) files.insert(stem_of(file_of_kernel(kernel)));
  return {files.begin(), files.end()};
}

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
