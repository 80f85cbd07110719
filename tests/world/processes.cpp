#include "world/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "optdnn/base/device.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/world/c10d.h"

namespace optdnn::world {

namespace {

[[noreturn]] void serve(int to) {
  const auto store = Store::serve();
  const uint16_t port = store->port();
  if (::write(to, &port, sizeof port) != sizeof port) ::_exit(1);
  for (;;) ::pause();
}

[[noreturn]] void take_part(const Place& place, const Processes::Work& work) {
  int code = 0;
  ::signal(SIGPIPE, SIG_IGN);  // as the program outlives it: a connection may break while it is written to
  base::set_torch_threads(1);
  try {
    auto world = World::join(place);
    try {
      work(*world);
      world->leave();
    } catch (const base::DivergedError&) {  // which all of them know
      world->leave();
      throw;
    } catch (const std::exception& error) {
      world->abandon(error.what());
      static_cast<void>(world.release());  // as the program does
      throw;
    }
  } catch (const base::Error& error) {
    std::cerr << error.what() << std::endl;
    code = static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    code = 1;
  }
  ::_exit(code);
}

}  // namespace

Processes::Processes(int count, Work work, int patience_s, int least_to_meet_s) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error("no pipe");
  const pid_t parent = ::getpid();
  store_ = ::fork();
  if (store_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(pipe[1]);
  }
  Place place;
  place.size = count;
  place.address = "127.0.0.1";
  place.agent_store = true;
  place.patience = std::chrono::seconds(patience_s);
  place.least_to_meet = std::chrono::seconds(least_to_meet_s);
  if (::read(pipe[0], &place.port, sizeof place.port) != sizeof place.port) throw std::runtime_error("no store");
  for (int rank = 0; rank < count; ++rank) {
    place.rank = rank;
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(1);
      const int file = ::open((folder_ / std::to_string(rank)).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      ::dup2(file, STDERR_FILENO);
      take_part(place, work);
    }
    pids_.push_back(child);
  }
  ::close(pipe[0]);
  ::close(pipe[1]);
}

Processes::~Processes() {
  pids_.push_back(store_);
  for (const pid_t pid : pids_) {
    if (pid <= 0) continue;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

void Processes::wait_for(int rank) const {
  siginfo_t end;
  ::waitid(P_PID, static_cast<id_t>(pids_[rank]), &end, WEXITED | WNOWAIT);  // codes() still asks how it ended
}

std::vector<int> Processes::codes() {
  std::vector<int> codes;
  for (pid_t& pid : pids_) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    pid = -1;
    codes.push_back(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
  return codes;
}

std::string Processes::errors(int rank) const {
  const auto file = folder_ / std::to_string(rank);
  return std::filesystem::exists(file) ? base::read_file(file, 1 << 20) : "";  // it may not have begun
}

}  // namespace optdnn::world
