// The launcher of a CUDA device. NVRTC, which comes with LibTorch, compiles; the driver loads and starts. Both are
// found when the program runs, so that it is built without CUDA's headers.
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <filesystem>

#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/kernels/launcher.h"

namespace optdnn::kernels {

namespace {

using base::concat;

// Functions of NVRTC (nvrtc.h) and of the driver (cuda.h), as far as they are used here. Zero is success.
struct Cuda {
  int (*nvrtcVersion)(int* major, int* minor);
  int (*nvrtcCreateProgram)(void** program, const char* source, const char* name, int headers, const char* const* texts,
                            const char* const* names);
  int (*nvrtcAddNameExpression)(void* program, const char* name);
  int (*nvrtcCompileProgram)(void* program, int count, const char* const* options);
  int (*nvrtcGetProgramLogSize)(void* program, size_t* bytes);
  int (*nvrtcGetProgramLog)(void* program, char* log);
  int (*nvrtcGetLoweredName)(void* program, const char* name, const char** lowered);
  int (*nvrtcGetCUBINSize)(void* program, size_t* bytes);
  int (*nvrtcGetCUBIN)(void* program, char* binary);
  int (*nvrtcDestroyProgram)(void** program);
  const char* (*nvrtcGetErrorString)(int error);
  int (*cuDeviceGetAttribute)(int* value, int attribute, int device);
  int (*cuDevicePrimaryCtxRetain)(void** context, int device);
  int (*cuCtxGetCurrent)(void** context);
  int (*cuCtxSetCurrent)(void* context);
  int (*cuModuleLoadData)(void** module, const void* binary);
  int (*cuModuleGetFunction)(void** function, void* module, const char* name);
  int (*cuLaunchKernel)(void* function, unsigned x, unsigned y, unsigned z, unsigned threads_x, unsigned threads_y,
                        unsigned threads_z, unsigned shared_bytes, void* stream, void** arguments, void** more);
  int (*cuGetErrorString)(int error, const char** text);
};
constexpr int kProcessors = 16, kMajor = 75, kMinor = 76;  // CUdevice_attribute

void* open_first(const std::vector<std::string>& names) {
  std::string why;
  for (const std::string& name : names) {
    if (void* library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    why += concat(why.empty() ? "" : "; ", ::dlerror());
  }
  throw std::runtime_error(why);
}

template <class Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(::dlsym(library, name));
  if (!function) throw std::runtime_error(concat("CUDA has no ", name));
}

// NVRTC looks for its second library in places where it is not; it is beside the first.
void load_builtins(const Cuda& cuda) {
  int major = 0, minor = 0;
  Dl_info info{};
  if (cuda.nvrtcVersion(&major, &minor) != 0) return;
  if (::dladdr(reinterpret_cast<void*>(cuda.nvrtcVersion), &info) == 0 || !info.dli_fname) return;
  const auto beside = std::filesystem::path(info.dli_fname).parent_path();
  ::dlopen((beside / concat("libnvrtc-builtins.so.", major, ".", minor)).c_str(), RTLD_NOW | RTLD_GLOBAL);
}

Cuda load_cuda() {
  Cuda cuda{};
  // LibTorch's own, which knows where NVRTC lies, then NVRTC.
  void* nvrtc = open_first({"libcaffe2_nvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"});
  void* driver = open_first({"libcuda.so.1"});
  find(nvrtc, "nvrtcVersion", cuda.nvrtcVersion);
  find(nvrtc, "nvrtcCreateProgram", cuda.nvrtcCreateProgram);
  find(nvrtc, "nvrtcAddNameExpression", cuda.nvrtcAddNameExpression);
  find(nvrtc, "nvrtcCompileProgram", cuda.nvrtcCompileProgram);
  find(nvrtc, "nvrtcGetProgramLogSize", cuda.nvrtcGetProgramLogSize);
  find(nvrtc, "nvrtcGetProgramLog", cuda.nvrtcGetProgramLog);
  find(nvrtc, "nvrtcGetLoweredName", cuda.nvrtcGetLoweredName);
  find(nvrtc, "nvrtcGetCUBINSize", cuda.nvrtcGetCUBINSize);
  find(nvrtc, "nvrtcGetCUBIN", cuda.nvrtcGetCUBIN);
  find(nvrtc, "nvrtcDestroyProgram", cuda.nvrtcDestroyProgram);
  find(nvrtc, "nvrtcGetErrorString", cuda.nvrtcGetErrorString);
  find(driver, "cuDeviceGetAttribute", cuda.cuDeviceGetAttribute);
  find(driver, "cuDevicePrimaryCtxRetain", cuda.cuDevicePrimaryCtxRetain);
  find(driver, "cuCtxGetCurrent", cuda.cuCtxGetCurrent);
  find(driver, "cuCtxSetCurrent", cuda.cuCtxSetCurrent);
  find(driver, "cuModuleLoadData", cuda.cuModuleLoadData);
  find(driver, "cuModuleGetFunction", cuda.cuModuleGetFunction);
  find(driver, "cuLaunchKernel", cuda.cuLaunchKernel);
  find(driver, "cuGetErrorString", cuda.cuGetErrorString);
  load_builtins(cuda);
  return cuda;
}

class CudaLauncher : public Launcher {
 public:
  explicit CudaLauncher(int index)
      : device_(torch::kCUDA, static_cast<c10::DeviceIndex>(index)), cuda_(load_cuda()), guard_(torch::kCUDA) {
    check(cuda_.cuDevicePrimaryCtxRetain(&context_, index), "cuDevicePrimaryCtxRetain");
    processors_ = attribute(kProcessors);
    architecture_ = concat("--gpu-architecture=sm_", attribute(kMajor), attribute(kMinor));
  }

  bool has(const std::string& kernel) override {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = functions_.try_emplace(kernel, nullptr);
    if (!is_new) return found->second != nullptr;
    try {
      found->second = compiled(kernel);
    } catch (const std::exception& error) {
      base::log_warning(concat("kernel ", kernel, ": LibTorch's operators run in its place: ", error.what()));
    }
    return found->second != nullptr;
  }

  int processors() const override { return processors_; }
  int threads() const override { return 256; }

  int* counters() override {
    const c10::Stream stream = guard_.getStream(device_);
    const std::lock_guard lock(mutex_);
    torch::Tensor& counters = counters_[stream.id()];
    if (!counters.defined())
      counters = torch::zeros({kCounters}, torch::TensorOptions().dtype(torch::kInt32).device(device_));
    return counters.mutable_data_ptr<int>();
  }

 private:
  void start(const std::string& kernel, const Grid& grid, const void* arguments, size_t) override {
    void* function = nullptr;
    {
      const std::lock_guard lock(mutex_);
      function = functions_.at(kernel);
    }
    enter();
    void* parameters[] = {const_cast<void*>(arguments)};
    void* stream = guard_.getStream(device_).native_handle();
    check(cuda_.cuLaunchKernel(function, grid.blocks, grid.parts, 1, grid.threads, 1, 1,
                               grid.shared_floats * sizeof(float), stream, parameters, nullptr),
          kernel);
  }

  void* compiled(const std::string& kernel) const {
    std::vector<const char*> names, texts;
    std::string source = "#include \"optdnn/kernels/gpu/words.cuh\"\n";
    for (const auto& [name, text] : kernel_texts()) {
      names.push_back(name);
      texts.push_back(text);
      source += concat("#include \"", name, "\"\n");
    }
    source += "using namespace optdnn::kernels::gpu;\n";
    void* program = nullptr;
    check_nvrtc(cuda_.nvrtcCreateProgram(&program, source.c_str(), "optdnn.cu", static_cast<int>(names.size()),
                                         texts.data(), names.data()));
    const std::shared_ptr<void> ends(program, [&](void* made) { cuda_.nvrtcDestroyProgram(&made); });
    check_nvrtc(cuda_.nvrtcAddNameExpression(program, kernel.c_str()));
    const char* options[] = {architecture_.c_str(), "--std=c++17"};
    if (cuda_.nvrtcCompileProgram(program, 2, options) != 0) throw std::runtime_error(log_of(program));
    const char* lowered = nullptr;
    size_t bytes = 0;
    check_nvrtc(cuda_.nvrtcGetLoweredName(program, kernel.c_str(), &lowered));
    check_nvrtc(cuda_.nvrtcGetCUBINSize(program, &bytes));
    std::vector<char> binary(bytes);
    check_nvrtc(cuda_.nvrtcGetCUBIN(program, binary.data()));
    const c10::OptionalDeviceGuard on_device(device_);
    enter();
    void *module = nullptr, *function = nullptr;
    check(cuda_.cuModuleLoadData(&module, binary.data()), kernel);
    check(cuda_.cuModuleGetFunction(&function, module, lowered), kernel);
    return function;
  }

  std::string log_of(void* program) const {
    size_t bytes = 0;
    check_nvrtc(cuda_.nvrtcGetProgramLogSize(program, &bytes));
    std::string log(bytes, ' ');
    check_nvrtc(cuda_.nvrtcGetProgramLog(program, log.data()));
    return log;
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

  void check_nvrtc(int error) const {
    if (error != 0) throw std::runtime_error(cuda_.nvrtcGetErrorString(error));
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
  int processors_ = 0;
  std::string architecture_;
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
