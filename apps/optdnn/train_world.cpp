#include "train_world.h"

#include <signal.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "child_processes.h"
#include "failure.h"
#include "optdnn/base/device.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/run.h"
#include "optdnn/experiment/table.h"
#include "optdnn/world/c10d.h"
#include "signals.h"

namespace optdnn::app {

using base::concat;

namespace {

constexpr const char* kLaunched = "OPTDNN_LAUNCHED";
std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? std::optional<std::string>(value) : std::nullopt;
}

constexpr auto kGrace = std::chrono::seconds(3);  // for the others to say what they miss

}  // namespace

int processes_asked(const std::string& text) {
  if (text == "auto") return std::max(1, base::gpus());
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size() && count >= 1 && count <= 1024) return count;
  throw base::ConfigError("--processes wants a number from 1 to 1024 or auto, received '" + text + "'");
}

bool is_one_of_many() {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  const bool of_a_step = std::getenv("SLURM_STEP_ID") && tasks && std::string_view(tasks) != "1";
  return std::getenv("RANK") || of_a_step;
}

int run_processes(int count) {
  watch_signals();
  const auto store = world::Store::serve();
  std::vector<ChildProcesses::Variables> variables;
  for (int rank = 0; rank < count; ++rank) {
    variables.push_back({{"RANK", std::to_string(rank)},
                         {"WORLD_SIZE", std::to_string(count)},
                         {"LOCAL_RANK", std::to_string(rank)},
                         {"MASTER_ADDR", "127.0.0.1"},
                         {"MASTER_PORT", std::to_string(store->port())},
                         {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                         {"TORCHELASTIC_RESTART_COUNT", "0"},
                         {kLaunched, "1"}});
  }
  ChildProcesses ranks(variables, /*read_errors=*/false);
  auto worst = base::ExitCode::success;
  int stopped = 0;
  std::optional<std::chrono::steady_clock::time_point> first_loss;
  bool ended_them = false;
  while (ranks.running() > 0) {
    for (const auto& [rank, status, killed] : ranks.wait(100)) {
      if (status == 0) continue;
      if (killed && stop_requested() && status == stop_status()) {
        stopped = status;  // before it listened
        continue;
      }
      if (killed) {
        if (!ended_them) std::cerr << concat("rank ", rank, " was ended by signal ", status - 128, "\n");
        worst = worse(worst, base::ExitCode::environment);
      } else if (status > 128) {
        stopped = status;
        continue;
      } else {
        worst = worse(worst, static_cast<base::ExitCode>(status));
      }
      if (!first_loss) first_loss = std::chrono::steady_clock::now();
    }
    if (first_loss && !ended_them && std::chrono::steady_clock::now() - *first_loss > kGrace) {
      ranks.kill_all(SIGKILL);
      ended_them = true;
    }
  }
  return worst != base::ExitCode::success ? static_cast<int>(worst) : stopped;
}

std::unique_ptr<world::World> join_others(const Ways& ways) {
  const bool launched = std::getenv(kLaunched) != nullptr, started = std::getenv("RANK") != nullptr;
  const auto refuse = [](const char* option) {
    throw base::ConfigError(
        concat(option, " does not go with processes that were started by another program: RANK is set"),
        "give only one of them");
  };
  if (!ways.processes.empty() && started && !launched) refuse("--processes");
  if (ways.jobs > 0 && started) refuse("--jobs");
  if (ways.shared && started) refuse("--shared");
  if (ways.shared || ways.jobs > 0) return nullptr;
  if (ways.shard.empty() && world::has_lonely_tasks(variable)) {
    throw base::EnvironmentError(
        "srun started several tasks, which have no place to meet",
        "export MASTER_ADDR and MASTER_PORT (scripts/slurm/train.sbatch does), or let each take "
        "runs of its own: --shared");
  }
  const auto place = world::place_from(variable);
  return place ? world::World::join(*place) : nullptr;
}

void make_one_of_many(experiment::RunOptions& options, const std::vector<PlannedRun>& runs, const std::string& device,
                      const world::World& world) {
  std::string asked = options.program_version;
  for (const PlannedRun& run : runs)
    asked += run.name() + experiment::config_hash(experiment::resolved_run(run.row->spec, run.seed));
  world.must_agree("program and configs", static_cast<int64_t>(std::hash<std::string>()(asked)));
  options.world = &world;
  options.processes_here = world.local_size();
  options.quiet |= !world.writes();
  if ((device == "auto" || device == "cuda") && base::gpus() > 0)
    options.device = concat("cuda:", world.local_rank() % base::gpus());
}

int stop_status_of_all(const world::World& world) {
  const int own = stop_requested() ? stop_status() : 0;
  return world.rows(torch::tensor({own}, torch::kInt64)).max().item<int>();
}

}  // namespace optdnn::app
