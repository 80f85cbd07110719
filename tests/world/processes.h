// Worlds of real processes, forked for a test: each meets the others at a store that a process of its own serves.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "optdnn/world/world.h"
#include "support/temporary_folder.h"

namespace optdnn::world {

class Processes {
 public:
  using Work = std::function<void(World& world)>;
  // What `work` throws ends its process as the program's commands do.
  Processes(int count, Work work, int patience_s = 60, int least_to_meet_s = 60);
  ~Processes();

  pid_t pid(int rank) const { return pids_[rank]; }
  void wait_for(int rank) const;
  // Waits for all. Exit codes, or 128 + signal, by rank.
  std::vector<int> codes();
  std::string errors(int rank) const;  // what it wrote to standard error

 private:
  TemporaryFolder folder_;
  pid_t store_ = -1;
  std::vector<pid_t> pids_;
};

}  // namespace optdnn::world
