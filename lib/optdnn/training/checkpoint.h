// The folder checkpoints/ of a run:
//   state.safetensors  all that is needed to continue: weights/..., optimizer/..., ema/..., generator/..., counters
//   last.safetensors   the weights alone, by the names of their parameters, for everybody else
//   best.safetensors   those of the best evaluation, if kept
// Both hold the moving average where there is one.
// state.safetensors is complete and replaced by one rename, so a crash at any point leaves a state to continue from.
// last.safetensors is replaced just before it: after a crash between the two it may be newer, until the run goes on.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "optdnn/training/safetensors.h"

namespace optdnn::training {

struct TrainState {
  int64_t iteration = 0;  // weight updates done
  double seconds = 0;     // of training so far
  std::optional<double> best;
  int64_t best_iteration = 0;
  TensorMap tensors;  // by the prefixed names above
};

void save_state(const std::filesystem::path& folder, const TrainState& state);
// Nothing if there is no state. Errors: EnvironmentError if it is damaged.
std::optional<TrainState> load_state(const std::filesystem::path& folder);

// Parameters and buffers by name, sharing memory with the module.
TensorMap named_weights(const torch::nn::Module& module);

// Copies every tensor of `source` into the tensor of that name in `target`, converting device and type.
// Errors: EnvironmentError naming `what` and the names that are missing, left over or of another shape; nothing is
// copied then.
void copy_tensors(const TensorMap& source, TensorMap& target, const std::string& what);

// Reads last.safetensors, best.safetensors or any such file into the module.
void load_weights(torch::nn::Module& module, const std::filesystem::path& file);

}  // namespace optdnn::training
