// train on several processes: `--processes N` starts them on this machine, torchrun and srun anywhere; then each finds
// its place in its environment and joins the others.
//
// Exit codes of --processes: 0 where all ended well; 128 + signal where they were told to stop and saved; the code that
// all ended with, 2 or 4; 3 where one was lost (killed, silent, or gone); 1 where one met a bug of ours.
#pragma once

#include <memory>

#include "train_plan.h"

namespace optdnn::experiment {
struct RunOptions;
}
namespace optdnn::world {
class World;
}

namespace optdnn::app {

// How many processes --processes asks for: "auto" is one per GPU. Errors: ConfigError for another text.
int processes_asked(const std::string& text);

// Whether somebody started this process as one of several: then it starts none.
bool is_one_of_many();

// Starts them and waits until they have ended. Those that are left after one was lost are ended.
int run_processes(int count);

// The others, if this process is one of several; null where it is alone. Errors: ConfigError where its ways do not go
// with the environment, EnvironmentError where that is half set.
std::unique_ptr<world::World> join_others(const Ways& ways);

// Device and cores of this one of several; all must have been asked for the same.
void make_one_of_many(experiment::RunOptions& options, const std::vector<PlannedRun>& runs, const std::string& device,
                      const world::World& world);

// The stop that was asked of any of them: 128 + its signal.
int stop_status_of_all(const world::World& world);

}  // namespace optdnn::app
