// The folder checkpoints/ of a run:
//   state.safetensors           all that is needed to continue: weights/..., optimizer/..., ema/..., generator/...,
//                               progress/..., and in its metadata counters
//   state.previous.safetensors  the state before that
//   last.safetensors            the weights alone, by the names of their parameters, for everybody else; its metadata
//                               `preparation` says how samples become inputs (data/preparation.h)
//   best.safetensors            those of the best evaluation on the validation set, if kept
// All are sealed (seal.h).
// last and best hold the moving average where there is one.
//
// A save writes state.new.safetensors whole, flushes it and reads it back; then state becomes previous and new becomes
// state. A crash at any point leaves a state to continue from, and so does damage to one of them: the newest that is
// sound is taken. last.safetensors is replaced just before: after a crash between the two it may be newer, until the
// run goes on. README.md of this folder is the page for readers in Python.
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
  int64_t skipped = 0, rollbacks = 0;  // by train.on_divergence
  TensorMap tensors;                   // by the prefixed names above
};

// Errors: EnvironmentError if the disk refuses; the state before is then still there.
void save_state(const std::filesystem::path& folder, const TrainState& state);

// The newest sound state, or nothing if there is none at all. A damaged one is renamed (state.damaged.safetensors), and
// a warning says how many iterations that costs. What a killed save left half is removed. Requires: nobody else writes
// there. Errors: EnvironmentError if every state is damaged.
std::optional<TrainState> load_state(const std::filesystem::path& folder);

// Errors: EnvironmentError if the disk has no room for checkpoints whose state has so many bytes, beside what is there.
void check_room(const std::filesystem::path& folder, uint64_t state_bytes, uint64_t weight_bytes);

// Parameters and buffers by name, sharing memory with the module.
TensorMap named_weights(const torch::nn::Module& module);

// Copies every tensor of `source` into the tensor of that name in `target`, converting device and type.
// Errors: EnvironmentError naming `what` and the names that are missing, left over or of another shape; nothing is
// copied then.
void copy_tensors(const TensorMap& source, TensorMap& target, const std::string& what);

// Reads last.safetensors, best.safetensors or any such file into the module.
void load_weights(torch::nn::Module& module, const std::filesystem::path& file);

}  // namespace optdnn::training
