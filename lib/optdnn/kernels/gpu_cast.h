// Many tensors of one type as tensors of another, by one kernel for up to 128 of them; float32, float16, bfloat16.
// Sizes of the outermost and the innermost dimension in memory may change: what is more is zero, what is less is left
// out.
#pragma once

#include "optdnn/kernels/launcher.h"

namespace optdnn::kernels {

// Sizes, and of how many equal parts the innermost dimension in memory consists, each of which gets or loses numbers by
// itself.
struct Shape {
  std::vector<int64_t> sizes;
  int64_t parts = 1;
};

// Whether there is a kernel for it.
bool gpu_casts(const torch::Device& device, torch::Dtype from, torch::Dtype to);

// Together they share one piece of memory. One that keeps its sizes lies as the tensor it is made from, others with
// their channels innermost. `shapes`: of each, or empty where all keep theirs. Requires: gpu_casts; tensors of one type
// on that device that are dense, of less than 2^31 numbers; those whose sizes change are images with their channels
// innermost, or contiguous.
std::vector<torch::Tensor> gpu_cast(at::TensorList tensors, torch::Dtype to, const std::vector<Shape>& shapes = {});

// Each from[i] to where to[i] lies, which is laid out as gpu_cast would.
void gpu_cast_to(at::TensorList from, at::TensorList to, const std::vector<Shape>& shapes = {});

}  // namespace optdnn::kernels
