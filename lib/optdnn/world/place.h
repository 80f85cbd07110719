// A process's place in a world, from the variables of who started it:
//   RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT       torchrun, and `optdnn train --processes`
//   SLURM_PROCID, SLURM_STEP_NUM_TASKS               srun, where MASTER_ADDR and MASTER_PORT are set too
//   TORCHELASTIC_USE_AGENT_STORE=True                the starter serves the store, not rank 0
//   TORCHELASTIC_RESTART_COUNT                       keeps apart the keys of a world that was started again
//   OPTDNN_PATIENCE_S                                seconds after which a silent process counts as lost, 600 where it
//                                                    is not set; all have that long to come, but a minute at least
//   GLOO_SOCKET_IFNAME                               left to LibTorch; else an address is found
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace optdnn::world {

struct Place {
  int rank = 0, size = 1;
  std::string address;
  uint16_t port = 0;
  bool agent_store = false;
  std::string restart = "0";
  std::chrono::milliseconds patience = std::chrono::minutes(10);
  std::chrono::milliseconds least_to_meet = std::chrono::minutes(1);  // a machine that starts many is slow
  std::chrono::milliseconds time_to_meet() const { return std::max(patience, least_to_meet); }  // for all to come
  std::string own_address;  // where the others reach this machine; empty: as its name says
};

// The variables of the environment, as the program reads them.
using Variable = std::function<std::optional<std::string>(const char* name)>;

// Nothing where none is set, and for a world of one. Errors: EnvironmentError where only some are, naming the others.
std::optional<Place> place_from(const Variable& variable);

// Whether srun started several tasks without a place to meet.
bool has_lonely_tasks(const Variable& variable);

// The address of this machine from which another one is reached. Empty if that cannot be known.
std::string own_address_towards(const std::string& address, uint16_t port);

std::string name_of_this_machine();
// "node7, process 812".
std::string name_of_this_process();

}  // namespace optdnn::world
