#include "optdnn/kernels/kernel_compiler.h"

#include <filesystem>

#include "optdnn/base/text.h"
#include "optdnn/kernels/launcher.h"
#include "optdnn/kernels/shared_library.h"

namespace optdnn::kernels {

using base::concat;

// Functions of nvrtc.h, as far as they are used here. Zero is success.
struct KernelCompiler::Nvrtc {
  int (*version)(int* major, int* minor);
  int (*create)(void** program, const char* source, const char* name, int headers, const char* const* texts,
                const char* const* names);
  int (*add_name)(void* program, const char* name);
  int (*compile)(void* program, int count, const char* const* options);
  int (*log_size)(void* program, size_t* bytes);
  int (*log)(void* program, char* log);
  int (*lowered_name)(void* program, const char* name, const char** lowered);
  int (*code_size)(void* program, size_t* bytes);
  int (*code)(void* program, char* code);
  int (*destroy)(void** program);
  const char* (*error_text)(int error);
  int major = 0, minor = 0;

  explicit Nvrtc(const std::vector<std::string>& libraries) {
    void* library = open_library(libraries);
    find_function(library, "nvrtcVersion", version);
    find_function(library, "nvrtcCreateProgram", create);
    find_function(library, "nvrtcAddNameExpression", add_name);
    find_function(library, "nvrtcCompileProgram", compile);
    find_function(library, "nvrtcGetProgramLogSize", log_size);
    find_function(library, "nvrtcGetProgramLog", log);
    find_function(library, "nvrtcGetLoweredName", lowered_name);
    find_function(library, "nvrtcGetCUBINSize", code_size);
    find_function(library, "nvrtcGetCUBIN", code);
    find_function(library, "nvrtcDestroyProgram", destroy);
    find_function(library, "nvrtcGetErrorString", error_text);
    check(version(&major, &minor));
    load_builtins();
  }

  void check(int error) const {
    if (error != 0) throw std::runtime_error(error_text(error));
  }

  // NVRTC looks for its second library in places where it is not; it is beside the first.
  void load_builtins() const {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<void*>(version), &info) == 0 || !info.dli_fname) return;
    const auto beside = std::filesystem::path(info.dli_fname).parent_path();
    ::dlopen((beside / concat("libnvrtc-builtins.so.", major, ".", minor)).c_str(), RTLD_NOW | RTLD_GLOBAL);
  }

  std::string log_of(void* program) const {
    size_t bytes = 0;
    check(log_size(program, &bytes));
    std::string text(bytes, ' ');
    check(log(program, text.data()));
    return text;
  }
};

namespace {

// The second: functions of constants are for C++ and CUDA alike.
constexpr const char* kOptions[] = {"--std=c++17", "--device-as-default-execution-space"};

// With the kernel's file alone: all of them at once would compile their kernels that are no templates too.
std::string program_of(const std::string& kernel) {
  return concat("#include \"optdnn/kernels/gpu/words.cuh\"\n#include \"", file_of_kernel(kernel),
                "\"\nusing namespace optdnn::kernels::gpu;\n");
}

}  // namespace

const std::vector<std::string> KernelCompiler::kLibraries{"libcaffe2_nvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12",
                                                          "libnvrtc.so"};

KernelCompiler::KernelCompiler(std::string architecture, KernelStore store, const std::vector<std::string>& nvrtc)
    : nvrtc_(std::make_shared<Nvrtc>(nvrtc)), architecture_(std::move(architecture)), store_(std::move(store)) {}

CompiledKernel KernelCompiler::compiled(const std::string& kernel) const {
  const std::string made_from = all_that_makes(kernel);
  if (auto kept = store_.find(made_from)) return *std::move(kept);
  CompiledKernel made = compile(kernel);
  store_.keep(made_from, made);
  return made;
}

std::string KernelCompiler::all_that_makes(const std::string& kernel) const {
  std::string all = concat(kernel, "\n", architecture_, "\n", nvrtc_->major, ".", nvrtc_->minor, "\n");
  for (const char* option : kOptions) all += concat(option, "\n");
  for (const auto& [name, text] : kernel_texts()) all += concat(name, "\n", text);
  return all;
}

CompiledKernel KernelCompiler::compile(const std::string& kernel) const {
  std::vector<const char*> names, texts;
  for (const auto& [name, text] : kernel_texts()) {
    names.push_back(name);
    texts.push_back(text);
  }
  void* program = nullptr;
  nvrtc_->check(nvrtc_->create(&program, program_of(kernel).c_str(), "optdnn.cu", static_cast<int>(names.size()),
                               texts.data(), names.data()));
  const std::shared_ptr<void> ends(program, [&](void* made) { nvrtc_->destroy(&made); });
  nvrtc_->check(nvrtc_->add_name(program, kernel.c_str()));
  const std::string architecture = "--gpu-architecture=" + architecture_;
  std::vector<const char*> options{architecture.c_str()};
  options.insert(options.end(), std::begin(kOptions), std::end(kOptions));
  if (nvrtc_->compile(program, static_cast<int>(options.size()), options.data()) != 0) {
    throw std::runtime_error(nvrtc_->log_of(program));
  }
  const char* lowered = nullptr;
  size_t bytes = 0;
  nvrtc_->check(nvrtc_->lowered_name(program, kernel.c_str(), &lowered));
  nvrtc_->check(nvrtc_->code_size(program, &bytes));
  CompiledKernel made{lowered, std::string(bytes, '\0')};
  nvrtc_->check(nvrtc_->code(program, made.code.data()));
  return made;
}

}  // namespace optdnn::kernels
