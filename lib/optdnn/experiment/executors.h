// Which executors the stages of a network ran by, and why faster ones did not.
#pragma once

#include <nlohmann/json.hpp>

#include "optdnn/models/network.h"

namespace optdnn::experiment {

struct StageExecutor {
  int stage;
  execution::Choice choice;
};

// Of the latest pass with gradients; empty before there was one, and for a baseline, which runs no program.
std::vector<StageExecutor> executors_of(const models::Network& network);

// [{"stage": 0, "name": "fused", "declined": {"whole": "a module is no dense_two_layer"}}]
nlohmann::ordered_json executors_json(const std::vector<StageExecutor>& executors);

// "stages 0 to 2 by fused, not by whole (a module is no dense_two_layer)"
std::string executors_text(const std::vector<StageExecutor>& executors);

// Every stage runs by the executor of this name; empty: by the fastest that takes it.
// Errors: ConfigError where it declines, and for a baseline.
void force_executor(const models::Network& network, const std::string& name);

}  // namespace optdnn::experiment
