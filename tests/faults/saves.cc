// Saves under injected faults: with no, one and two checkpoints there, every open, write, fsync and rename of a save
// fails once, and the process dies once before each. Afterwards the newest good checkpoint loads, with the bytes that
// were saved, and the next save succeeds. Needs the library of shim.cc preloaded. Prints the number of points.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/training/checkpoint.h"
#include "support/temporary_folder.h"

namespace {

using namespace optdnn::training;
namespace fs = std::filesystem;

using Arm = void (*)(const char*, int, int);
using Seen = int (*)();

torch::Tensor tensor_at(int64_t iteration) { return torch::full({1000}, static_cast<double>(iteration)); }

void save_at(const fs::path& folder, int64_t iteration) {
  write_safetensors(folder / "last.safetensors", {{{"a", tensor_at(iteration)}}, {{"iteration", "1"}}});
  TrainState state;
  state.iteration = iteration;
  state.tensors = {{"weights/a", tensor_at(iteration)}};
  save_state(folder, state);
}

// 0 if there is none.
int64_t loaded_iteration(const fs::path& folder) {
  const auto state = load_state(folder);
  if (!state) return 0;
  const bool same = torch::equal(state->tensors.at("weights/a"), tensor_at(state->iteration));
  return same ? state->iteration : -1;
}

// Returns the exit status of a save in a process of its own: 0, 3 for an error, 137 for the death.
int save_with_fault(const fs::path& folder, int64_t iteration, Arm arm, int at, bool dies) {
  const pid_t child = ::fork();
  if (child == 0) {
    arm(folder.c_str(), at, dies);
    try {
      save_at(folder, iteration);
      ::_exit(0);
    } catch (const optdnn::base::EnvironmentError&) {
      ::_exit(3);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

int main() {
  const auto arm = reinterpret_cast<Arm>(::dlsym(RTLD_DEFAULT, "faults_arm"));
  const auto seen = reinterpret_cast<Seen>(::dlsym(RTLD_DEFAULT, "faults_seen"));
  if (!arm || !seen) {
    std::cerr << "the shim is not preloaded\n";
    return 2;
  }
  torch::set_num_threads(1);
  optdnn::base::set_log_level(optdnn::base::LogLevel::off);
  int points = 0, wrong = 0;
  for (int64_t before = 0; before < 3; ++before) {
    const optdnn::TemporaryFolder counted;
    for (int64_t i = 1; i <= before; ++i) save_at(counted.path(), i);
    arm(counted.path().c_str(), -1, 0);
    save_at(counted.path(), before + 1);
    const int calls = seen();
    arm("", -1, 0);
    for (const bool dies : {false, true}) {
      for (int at = 0; at < calls; ++at) {
        ++points;
        const optdnn::TemporaryFolder folder;
        for (int64_t i = 1; i <= before; ++i) save_at(folder.path(), i);
        const int status = save_with_fault(folder.path(), before + 1, arm, at, dies);
        const int64_t loaded = loaded_iteration(folder.path());
        save_at(folder.path(), before + 2);
        const bool right = status == (dies ? 137 : 3) && (loaded == before || loaded == before + 1) &&
                           loaded_iteration(folder.path()) == before + 2;
        if (right) continue;
        ++wrong;
        std::cerr << before << " checkpoints, call " << at << (dies ? " dies" : " fails") << ": exit " << status
                  << ", loads " << loaded << '\n';
      }
    }
  }
  std::cout << points << " faults, " << wrong << " of which lost a checkpoint\n";
  return wrong == 0 ? 0 : 1;
}
