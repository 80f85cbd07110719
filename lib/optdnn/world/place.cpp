#include "optdnn/world/place.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <vector>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::world {

using base::concat;

namespace {

int64_t number_in(const char* name, const std::string& text, int64_t least, int64_t most) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    throw base::EnvironmentError(
        concat("the variable ", name, " is to be a number from ", least, " to ", most, ", received '", text, "'"));
  }
  return number;
}

constexpr int64_t kMost = 1 << 20;

}  // namespace

std::optional<Place> place_from(const Variable& variable) {
  const bool started = variable("RANK") || variable("WORLD_SIZE");
  const bool step = variable("SLURM_STEP_ID") && variable("SLURM_PROCID") && variable("MASTER_ADDR");
  if (!started && !step) return std::nullopt;
  const char* rank = started ? "RANK" : "SLURM_PROCID";
  const char* size = started ? "WORLD_SIZE" : "SLURM_STEP_NUM_TASKS";
  std::vector<std::string> set, missing;
  for (const char* name : {rank, size, "MASTER_ADDR", "MASTER_PORT"}) (variable(name) ? set : missing).push_back(name);
  if (!missing.empty()) {
    throw base::EnvironmentError(concat("several processes are asked for by ", base::join(set, ", "), ", but ",
                                        base::join(missing, ", "), missing.size() == 1 ? " is" : " are", " not set"),
                                 "torchrun and --processes set them; with srun export MASTER_ADDR and MASTER_PORT. "
                                 "To train alone, unset them");
  }
  Place place;
  place.size = static_cast<int>(number_in(size, *variable(size), 1, kMost));
  place.rank = static_cast<int>(number_in(rank, *variable(rank), 0, place.size - 1));
  place.address = *variable("MASTER_ADDR");
  place.port = static_cast<uint16_t>(number_in("MASTER_PORT", *variable("MASTER_PORT"), 1, 65535));
  place.agent_store = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  place.restart = variable("TORCHELASTIC_RESTART_COUNT").value_or(variable("SLURM_RESTART_COUNT").value_or("0"));
  if (const auto patience = variable("OPTDNN_PATIENCE_S"))
    place.patience = std::chrono::seconds(number_in("OPTDNN_PATIENCE_S", *patience, 1, 1 << 24));
  if (place.size == 1) return std::nullopt;
  // Gloo binds to what the machine's name resolves to, which on many is a loopback address that others cannot reach.
  if (!variable("GLOO_SOCKET_IFNAME")) place.own_address = own_address_towards(place.address, place.port);
  return place;
}

bool has_lonely_tasks(const Variable& variable) {
  const auto tasks = variable("SLURM_STEP_NUM_TASKS");
  return variable("SLURM_STEP_ID") && tasks && *tasks != "1" && !variable("MASTER_ADDR") && !variable("RANK");
}

// A datagram socket that is connected sends nothing, but knows the address it would send from.
std::string own_address_towards(const std::string& address, uint16_t port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return "";
  std::string own;
  for (const addrinfo* one = found; one && own.empty(); one = one->ai_next) {
    const int end = ::socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (end < 0) continue;
    sockaddr_storage here{};
    socklen_t length = sizeof here;
    char text[NI_MAXHOST] = "";
    auto* as_address = reinterpret_cast<sockaddr*>(&here);
    if (::connect(end, one->ai_addr, one->ai_addrlen) == 0 && ::getsockname(end, as_address, &length) == 0 &&
        ::getnameinfo(as_address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      own = text;
    ::close(end);
  }
  ::freeaddrinfo(found);
  return own;
}

std::string name_of_this_machine() {
  char name[256] = "";
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

std::string name_of_this_process() { return concat(name_of_this_machine(), ", process ", ::getpid()); }

}  // namespace optdnn::world
