#include "optdnn/base/device.h"

#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>
#include <torch/torch.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"

namespace optdnn::base {

std::string resolve_device(std::string_view request) {
  if (request == "cpu") return "cpu";
  if (request == "auto") return torch::cuda::is_available() ? "cuda:0" : "cpu";
  int index = 0;
  std::string_view rest = request;
  if (rest.starts_with("cuda")) {
    rest.remove_prefix(4);
    const bool indexed = rest.starts_with(':');
    if (indexed) rest.remove_prefix(1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    const bool whole = error == std::errc() && end == rest.data() + rest.size() && index >= 0;
    if (rest.empty() ? !indexed : (indexed && whole)) {
      const int count = static_cast<int>(torch::cuda::device_count());
      if (index >= count) {
        throw EnvironmentError(
            concat("device '", request, "' was asked for, but LibTorch ", torch_version(), " sees ", count, " GPUs"),
            count == 0 ? "use --device cpu, or point OPTDNN_TORCH at a CUDA build of LibTorch" : "");
      }
      return concat("cuda:", index);
    }
  }
  throw ConfigError(concat("unknown device '", request, "'"), "devices: auto, cpu, cuda, cuda:<index>");
}

int gpus() { return static_cast<int>(torch::cuda::device_count()); }

namespace {

// CUDA's driver, asked by hand: LibTorch tells a GPU's name only through headers that are not always there.
class Driver {
 public:
  Driver() : library_(dlopen("libcuda.so.1", RTLD_NOW)) {
    const auto init = function<int(unsigned)>("cuInit");
    if (!init || init(0) != 0) library_ = nullptr;
  }
  std::string device_name(int index) const {
    const auto get = function<int(int*, int)>("cuDeviceGet");
    const auto name = function<int(char*, int, int)>("cuDeviceGetName");
    char text[256] = "";
    int device = 0;
    return get && name && get(&device, index) == 0 && name(text, sizeof text, device) == 0 ? text : "";
  }
  // 13000 is CUDA 13.0.
  int version() const {
    const auto get = function<int(int*)>("cuDriverGetVersion");
    int version = 0;
    return get && get(&version) == 0 ? version : 0;
  }

 private:
  template <class Function>
  Function* function(const char* name) const {
    return library_ ? reinterpret_cast<Function*>(dlsym(library_, name)) : nullptr;
  }
  void* library_;
};

const Driver& driver() {
  static const Driver driver;
  return driver;
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

std::string gpu_software(const std::string& device) {
  if (device == "cpu") return "";
  const int cuda = driver().version();
  const long cudnn = at::detail::getCUDAHooks().versionCuDNN();
  const std::string module = first_line("/proc/driver/nvidia/version");  // NVRM version: ... Module  580.65.06  ...
  std::string kernel;
  for (const std::string& word : split(module, ' ')) {
    if (kernel.empty() && !word.empty() && word.find_first_not_of("0123456789.") == std::string::npos) kernel = word;
  }
  return concat("driver ", kernel.empty() ? "unknown" : kernel, ", CUDA ", cuda / 1000, ".", cuda % 1000 / 10,
                ", cuDNN ", cudnn / 10000, ".", cudnn / 100 % 100, ".", cudnn % 100);
}

bool has_unusable_gpu() {
  std::error_code none;
  return !torch::cuda::is_available() && std::filesystem::exists("/dev/nvidiactl", none);
}

std::string device_name(const std::string& device) {
  if (device != "cpu") {
    const std::string name = driver().device_name(std::atoi(device.c_str() + sizeof "cuda:" - 1));
    return name.empty() ? device : name;
  }
  std::ifstream cpus("/proc/cpuinfo");
  for (std::string line; std::getline(cpus, line);) {
    if (line.starts_with("model name")) return trim(std::string_view(line).substr(line.find(':') + 1));
  }
  return "cpu";
}

std::string torch_version() { return TORCH_VERSION; }
int torch_threads() { return at::get_num_threads(); }
void set_torch_threads(int threads) { at::set_num_threads(threads); }

void synchronize(const std::string& device) {
  if (const torch::Device on(device); on.is_cuda()) torch::cuda::synchronize(on.index());
}

void seed_torch(uint64_t seed) { torch::manual_seed(seed); }

int64_t peak_device_bytes(const std::string& name) {
  const torch::Device device(name);
  if (device.is_cpu()) return 0;
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return stats.reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
}

void forget_peak_device_bytes(const std::string& name) {
  const torch::Device device(name);
  if (device.is_cpu()) return;
  c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
  if (!allocator.initialized()) return;  // nothing has been taken yet, and it knows no device
  allocator.emptyCache();
  allocator.resetPeakStats(device.index());
}

}  // namespace optdnn::base
