// Starts the project's own kernels on a device. Their text (kernels/gpu) is compiled for the GPU at hand when one is
// first wanted, so that building the program takes no CUDA. Each has a slow twin of LibTorch's operators, which is what
// runs where there is no launcher.
#pragma once

#include <torch/torch.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace optdnn::kernels {

// Blocks of so many threads for each of `parts`, which stand beside one another.
struct Grid {
  int blocks = 1, parts = 1, threads = 1;
  int shared_floats = 0;  // of a block
};

class Launcher {
 public:
  static constexpr int kCounters = 4096;

  virtual ~Launcher() = default;

  // Whether a kernel can be started, by its name as in "batch_norm_relu<Half, 8>", and is not left out.
  bool has(const std::string& kernel);

  // Starts the kernel on the device's current stream. `arguments` is the one value it takes, which is copied.
  // Requires: has(kernel).
  template <class Arguments>
  void launch(const std::string& kernel, const Grid& grid, const Arguments& arguments) {
    static_assert(std::is_trivially_copyable_v<Arguments>);
    count(kernel);
    start(kernel, grid, &arguments, sizeof arguments);
  }

  virtual int processors() const = 0;    // that run blocks at the same time
  virtual int threads() const = 0;       // of a block
  virtual int shared_bytes() const = 0;  // that a block can have
  // kCounters numbers of the current stream, zero for each kernel that begins and to be left so.
  virtual int* counters() = 0;

  // Why its kernels cannot overlap; empty where they can.
  virtual std::string why_no_overlap() const { return "its kernels are not started by CUDA"; }

  // How often each kernel was started.
  std::map<std::string, int64_t> launches() const;

 private:
  // The first question compiles it; where that fails the log says why.
  virtual bool can_start(const std::string& kernel) = 0;
  virtual void start(const std::string& kernel, const Grid& grid, const void* arguments, size_t bytes) = 0;
  void count(const std::string& kernel);

  mutable std::mutex mutex_;
  std::map<std::string, int64_t> launches_;
};

// How often each kernel was started, by its name.
using Launches = std::map<std::string, int64_t>;
// On a device; nothing on a CPU. A replayed iteration starts none.
Launches launches(const torch::Device& device);
// Those of `after` that are not of `before`.
Launches launches_since(const Launches& before, const Launches& after);

// Of this device; nothing on a CPU, where kernels cannot be compiled, or where they are not to be used.
Launcher* launcher(const torch::Device& device);

// From now on; they are used unless this says otherwise.
void use_launchers(bool use);

// From now on, where a GPU can, the blocks of a kernel may come while the one before it ends (gpu/words.cuh), with the
// same numbers. They do not unless this says so.
void overlap_kernels(bool overlap);
bool kernels_overlap();
// Why they cannot on this device; empty where they can.
std::string why_no_overlap(const torch::Device& device);

// From now on no kernel of these files is started (kernel_files()).
void leave_out_kernels(const std::vector<std::string>& files);

// In the place of the device type's own, for tests.
void set_launcher(c10::DeviceType type, std::unique_ptr<Launcher> launcher);

// The first CUDA device's and so on; nothing where there is no way to compile or start kernels, and then the log has
// said why. `index` counts GPUs.
std::unique_ptr<Launcher> make_cuda_launcher(int index);

// The kernels' word for a number type, as in batch_norm_relu<Half, 8>; empty where there is none.
std::string_view kernel_type(torch::Dtype type);

// The name of a file (optdnn/kernels/gpu/rows.cuh) and its text, for all of them.
struct KernelText {
  const char *name, *text;
};
const std::vector<KernelText>& kernel_texts();

// The file that a kernel is written in, as in optdnn/kernels/gpu/combine.cuh. Errors: std::runtime_error for one that
// is in none.
std::string file_of_kernel(const std::string& kernel);
// The files that kernels are written in, as in "combine".
std::vector<std::string> kernel_files();
// Those of the kernels that were started since, in the order of their names.
std::vector<std::string> files_started(const Launches& before, const Launches& after);

}  // namespace optdnn::kernels
