// Compiled kernels kept on disk, so that a run does not wait for what an earlier one has compiled. A file per kernel:
//   optdnn kernel 1 <SHA-256 of the rest>\n<bytes of its name>\n<its name><machine code>
// A file that is missing or damaged, or cannot be written, is as if there were none.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace optdnn::kernels {

struct CompiledKernel {
  std::string name, code;  // what the machine code calls it
};

class KernelStore {
 public:
  // An empty folder keeps nothing.
  explicit KernelStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // `made_from` is all that a kernel depends on: texts, options, the compiler's version.
  std::optional<CompiledKernel> find(std::string_view made_from) const;
  void keep(std::string_view made_from, const CompiledKernel& kernel) const;

 private:
  std::filesystem::path file_of(std::string_view made_from) const;

  std::filesystem::path folder_;
};

// The user's folder, by the variables of the environment: $OPTDNN_KERNELS, or optdnn/kernels in the folder for what can
// be made again, $XDG_CACHE_HOME or ~/.cache. Empty where $OPTDNN_KERNELS is "off" or there is none.
// Source: XDG Base Directory Specification 0.8.
std::filesystem::path users_kernel_folder(const std::function<const char*(const char* name)>& variable);

// Where the program's launchers keep theirs: nowhere unless this says otherwise before the first kernel.
void keep_kernels_in(const std::filesystem::path& folder);
const std::filesystem::path& kernel_folder();

}  // namespace optdnn::kernels
