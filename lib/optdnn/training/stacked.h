// Many runs as one network: tensors with a leading run dimension, and one run's part of them.
#pragma once

#include <torch/torch.h>

#include "optdnn/training/safetensors.h"

namespace optdnn::training {

// Run `run` of `runs`. A single run's tensors have no run dimension, and a scalar is shared by all.
// Shapes: R x ... -> ..., sharing memory.
inline torch::Tensor part_of(const torch::Tensor& tensor, int64_t run, int64_t runs) {
  return runs == 1 || tensor.dim() == 0 ? tensor : tensor.select(0, run);
}

inline TensorMap part_of(TensorMap tensors, int64_t run, int64_t runs) {
  for (auto& [name, tensor] : tensors) tensor = part_of(tensor, run, runs);
  return tensors;
}

// One number or flag per run, made ready to be broadcast over R x ....
inline torch::Tensor per_run_like(const torch::Tensor& values_R, const torch::Tensor& tensor) {
  std::vector<int64_t> sizes(tensor.dim(), 1);
  sizes.front() = -1;
  return values_R.view(sizes);
}

}  // namespace optdnn::training
