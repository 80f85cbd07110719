// The process that holds a claim, as a line of JSON: {"host": "a", "pid": 12, "boot": "...", ...}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace optdnn::experiment {

struct Holder {
  std::string host, boot, pid_namespace;
  int64_t pid = 0;
  std::string started;    // of the process, in the kernel's ticks since the boot: tells a reused pid
  std::string slurm_job;  // empty outside SLURM
  int64_t slurm_restarts = 0;

  std::string line() const;  // ends with a newline
};

Holder this_process();

// Nothing if the line is not whole.
std::optional<Holder> read_holder(std::string_view line);

// Whether `self` knows that `holder` cannot be working any more. False where that cannot be known from here.
bool is_gone(const Holder& holder, const Holder& self);

}  // namespace optdnn::experiment
