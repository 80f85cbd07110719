#include "optdnn/experiment/free_memory.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::experiment {

namespace {

constexpr double kMib = 1 << 20;

// "MemAvailable:  123 kB" of /proc/meminfo.
std::optional<double> available_mib() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("MemAvailable:")) return std::strtod(line.c_str() + 13, nullptr) / 1024;
  }
  return std::nullopt;
}

std::optional<double> number_in(const std::string& path) {
  std::ifstream file(path);
  double number = 0;
  return file >> number ? std::optional(number) : std::nullopt;  // "max" is none
}

// What the kernel keeps of files and gives back where memory is wanted: lines of a cgroup's memory.stat.
double kept_of_files(const std::string& folder) {
  double bytes = 0;
  std::ifstream file(folder + "/memory.stat");
  std::string name;
  for (double value = 0; file >> name >> value;) {
    if (name.starts_with("total_")) name.erase(0, 6);  // of version 1, which has both
    if (name == "active_file" || name == "inactive_file") bytes += value;
  }
  return bytes;
}

// What the cgroup of this process, or one above it, leaves. Version 2, or 1 where the host has that.
std::optional<double> cgroup_left_mib() {
  std::optional<double> least;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const bool second = line.starts_with("0::"), first = line.find(":memory:") != std::string::npos;
    if (!first && !second) continue;
    const std::string root = second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    for (std::string path = line.substr(line.rfind(':') + 1);; path = path.substr(0, path.rfind('/'))) {
      if (path == "/") path = "";
      const auto limit = number_in(root + path + (second ? "/memory.max" : "/memory.limit_in_bytes"));
      const auto used = number_in(root + path + (second ? "/memory.current" : "/memory.usage_in_bytes"));
      if (limit && used) {
        const double left = *limit - std::max(0.0, *used - kept_of_files(root + path));
        least = std::min(least.value_or(left), left);
      }
      if (path.empty()) break;
    }
  }
  if (least) *least /= kMib;
  return least;
}

}  // namespace

std::optional<double> free_memory_mib() {
  const auto machine = available_mib(), cgroup = cgroup_left_mib();
  if (machine && cgroup) return std::min(*machine, *cgroup);
  return machine ? machine : cgroup;
}

void check_weights_fit(double parameters) {
  const double weights_mib = parameters * sizeof(float) / kMib;
  const auto left_mib = free_memory_mib();
  if (!left_mib || weights_mib <= *left_mib) return;
  const auto mib = [](double value) { return base::with_thousands(std::llround(value)) + " MiB"; };
  throw base::EnvironmentError(base::concat("not enough memory: the weights alone take ", mib(weights_mib), ", and ",
                                            mib(*left_mib), " are left"),
                               "a smaller width, depth or number of hidden units; `optdnn info` counts the parameters");
}

}  // namespace optdnn::experiment
