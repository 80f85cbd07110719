// What the processes of a world tell each other in an iteration, each of which has its share of the batches.
#pragma once

#include "optdnn/training/optimizer.h"
#include "optdnn/world/world.h"

namespace optdnn::training {

struct Agreed {
  torch::Tensor losses;  // of the whole batches
  bool stop = false;     // a process was told to
};

// `losses`: of each batch this process's share, float64 on the device; `stop`: whether this process was told to stop.
// Afterwards a parameter has a gradient in every process or in none.
Agreed exchange(const world::World& world, const NamedParameters& parameters, const torch::Tensor& losses, bool stop);

// A number that tells two sets of weights apart if a bit of them differs, but for rare coincidences.
int64_t fingerprint(const std::vector<torch::Tensor>& tensors);

}  // namespace optdnn::training
