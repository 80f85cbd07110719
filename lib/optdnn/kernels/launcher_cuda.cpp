// The launcher of a CUDA device. The driver, which loads and starts kernels, is found when the program runs, so that it
// is built without CUDA's headers.
#include <c10/core/impl/VirtualGuardImpl.h>

#include <optional>

#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/kernels/kernel_compiler.h"
#include "optdnn/kernels/launcher.h"
#include "optdnn/kernels/shared_library.h"

namespace optdnn::kernels {

namespace {

using base::concat;

// The driver's CUlaunchAttribute and CUlaunchConfig (cuda.h).
struct LaunchAttribute {
  int id, padding;
  union {
    int on;
    char room[64];
  };
};
struct LaunchConfig {
  unsigned blocks[3], threads[3], shared_bytes;
  void* stream;
  LaunchAttribute* attributes;
  unsigned attribute_count;
};
constexpr int kOverlap = 6;  // CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION

// Functions of the driver (cuda.h), as far as they are used here. Zero is success.
struct Cuda {
  int (*cuDeviceGetAttribute)(int* value, int attribute, int device);
  int (*cuDevicePrimaryCtxRetain)(void** context, int device);
  int (*cuCtxGetCurrent)(void** context);
  int (*cuCtxSetCurrent)(void* context);
  int (*cuModuleLoadData)(void** module, const void* binary);
  int (*cuModuleGetFunction)(void** function, void* module, const char* name);
  int (*cuFuncSetAttribute)(void* function, int attribute, int value);
  int (*cuDriverGetVersion)(int* version);
  int (*cuLaunchKernelEx)(const LaunchConfig* config, void* function, void** arguments, void** more);
  int (*cuGetErrorString)(int error, const char** text);
};
constexpr int kProcessors = 16, kMajor = 75, kMinor = 76, kSharedBytes = 97;  // CUdevice_attribute
constexpr int kMostSharedBytes = 8;                                           // CUfunction_attribute
constexpr int kRecordsOverlap = 12030;  // the first driver whose graphs know kernels that overlap

Cuda load_cuda() {
  Cuda cuda{};
  void* driver = open_library({"libcuda.so.1"});
  find_function(driver, "cuDeviceGetAttribute", cuda.cuDeviceGetAttribute);
  find_function(driver, "cuDevicePrimaryCtxRetain", cuda.cuDevicePrimaryCtxRetain);
  find_function(driver, "cuCtxGetCurrent", cuda.cuCtxGetCurrent);
  find_function(driver, "cuCtxSetCurrent", cuda.cuCtxSetCurrent);
  find_function(driver, "cuModuleLoadData", cuda.cuModuleLoadData);
  find_function(driver, "cuModuleGetFunction", cuda.cuModuleGetFunction);
  find_function(driver, "cuFuncSetAttribute", cuda.cuFuncSetAttribute);
  find_function(driver, "cuDriverGetVersion", cuda.cuDriverGetVersion);
  find_function(driver, "cuLaunchKernelEx", cuda.cuLaunchKernelEx);
  find_function(driver, "cuGetErrorString", cuda.cuGetErrorString);
  return cuda;
}

class CudaLauncher : public Launcher {
 public:
  explicit CudaLauncher(int index)
      : device_(torch::kCUDA, static_cast<c10::DeviceIndex>(index)), cuda_(load_cuda()), guard_(torch::kCUDA) {
    check(cuda_.cuDevicePrimaryCtxRetain(&context_, index), "cuDevicePrimaryCtxRetain");
    processors_ = attribute(kProcessors);
    shared_bytes_ = attribute(kSharedBytes);
    compiler_.emplace(concat("sm_", attribute(kMajor), attribute(kMinor)), KernelStore(kernel_folder()));
    why_no_overlap_ = reason_against_overlap();
  }

  int processors() const override { return processors_; }
  int threads() const override { return 256; }
  int shared_bytes() const override { return shared_bytes_; }
  std::string why_no_overlap() const override { return why_no_overlap_; }

  int* counters() override {
    const c10::Stream stream = guard_.getStream(device_);
    const std::lock_guard lock(mutex_);
    torch::Tensor& counters = counters_[stream.id()];
    if (!counters.defined())
      counters = torch::zeros({kCounters}, torch::TensorOptions().dtype(torch::kInt32).device(device_));
    return counters.mutable_data_ptr<int>();
  }

 private:
  bool can_start(const std::string& kernel) override {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = functions_.try_emplace(kernel, nullptr);
    if (!is_new) return found->second != nullptr;
    try {
      found->second = loaded(kernel);
    } catch (const std::exception& error) {
      base::log_warning(concat("kernel ", kernel, ": LibTorch's operators run in its place: ", error.what()));
    }
    return found->second != nullptr;
  }

  void start(const std::string& kernel, const Grid& grid, const void* arguments, size_t) override {
    void* function = nullptr;
    {
      const std::lock_guard lock(mutex_);
      function = functions_.at(kernel);
    }
    const c10::OptionalDeviceGuard on_device(device_);
    enter();
    void* parameters[] = {const_cast<void*>(arguments)};
    LaunchAttribute overlap{kOverlap, 0, {1}};
    const LaunchConfig config{{static_cast<unsigned>(grid.blocks), static_cast<unsigned>(grid.parts), 1},
                              {static_cast<unsigned>(grid.threads), 1, 1},
                              static_cast<unsigned>(grid.shared_floats * sizeof(float)),
                              guard_.getStream(device_).native_handle(),
                              &overlap,
                              kernels_overlap() && why_no_overlap_.empty() ? 1u : 0u};
    check(cuda_.cuLaunchKernelEx(&config, function, parameters, nullptr), kernel);
  }

  std::string reason_against_overlap() const {
    const int major = attribute(kMajor);
    if (major != 9 && major != 10) return concat("its compute capability is ", major, ".", attribute(kMinor));
    int version = 0;
    check(cuda_.cuDriverGetVersion(&version), "cuDriverGetVersion");
    return version < kRecordsOverlap ? "its driver is older than that of CUDA 12.3" : "";
  }

  void* loaded(const std::string& kernel) const {
    const CompiledKernel compiled = compiler_->compiled(kernel);
    const c10::OptionalDeviceGuard on_device(device_);
    enter();
    void *module = nullptr, *function = nullptr;
    check(cuda_.cuModuleLoadData(&module, compiled.code.data()), kernel);
    check(cuda_.cuModuleGetFunction(&function, module, compiled.name.c_str()), kernel);
    check(cuda_.cuFuncSetAttribute(function, kMostSharedBytes, shared_bytes_), kernel);
    return function;
  }

  // A thread of autograd that has not run an operator of the device yet has no context.
  void enter() const {
    void* now = nullptr;
    check(cuda_.cuCtxGetCurrent(&now), "cuCtxGetCurrent");
    if (!now) check(cuda_.cuCtxSetCurrent(context_), "cuCtxSetCurrent");
  }

  int attribute(int which) const {
    int value = 0;
    check(cuda_.cuDeviceGetAttribute(&value, which, device_.index()), "cuDeviceGetAttribute");
    return value;
  }

  void check(int error, const std::string& what) const {
    if (error == 0) return;
    const char* text = nullptr;
    cuda_.cuGetErrorString(error, &text);
    TORCH_CHECK(false, what, ": ", text ? text : "unknown error of CUDA");
  }

  torch::Device device_;
  Cuda cuda_;
  c10::impl::VirtualGuardImpl guard_;
  void* context_ = nullptr;  // that of LibTorch, kept to the end of the program
  int processors_ = 0, shared_bytes_ = 0;
  std::string why_no_overlap_;
  std::optional<KernelCompiler> compiler_;
  std::mutex mutex_;
  std::map<std::string, void*> functions_;           // nullptr: it cannot be compiled
  std::map<c10::StreamId, torch::Tensor> counters_;  // by stream
};

}  // namespace

std::unique_ptr<Launcher> make_cuda_launcher(int index) {
  try {
    return std::make_unique<CudaLauncher>(index);
  } catch (const std::exception& error) {
    base::log_warning(concat("LibTorch's operators run in the place of the project's kernels: ", error.what()));
    return nullptr;
  }
}

}  // namespace optdnn::kernels
