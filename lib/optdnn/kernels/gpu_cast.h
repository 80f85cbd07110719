// Many tensors of one type as tensors of another, by one kernel for up to 160 of them; float32, float16, bfloat16.
#pragma once

#include "optdnn/kernels/launcher.h"

namespace optdnn::kernels {

// Whether there is a kernel for it.
bool gpu_casts(const torch::Device& device, torch::Dtype from, torch::Dtype to);

// Each lies as the tensor it is made from; together they share one piece of memory. Requires: gpu_casts, and tensors of
// one type on that device that are dense.
std::vector<torch::Tensor> gpu_cast(at::TensorList tensors, torch::Dtype to);

}  // namespace optdnn::kernels
