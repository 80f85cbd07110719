#include "optdnn/base/device.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <charconv>
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

std::string device_name(const std::string& device) {
  if (device != "cpu") return device;  // LibTorch tells a GPU's name only through CUDA's headers
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
  if (device.starts_with("cuda")) torch::cuda::synchronize();
}

void seed_torch(uint64_t seed) { torch::manual_seed(seed); }

}  // namespace optdnn::base
