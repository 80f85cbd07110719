// Gradient checkpointing: of run(inputs) only the inputs are kept, and the backward pass runs it once more. The numbers
// are those of run(inputs), gradients too, up to rounding: the second run sees the random numbers and the precision of
// the first, and batch statistics count the first alone.
//   Chen et al. 2016, arXiv 1604.06174; for DenseNets Pleiss et al. 2017, arXiv 1707.06990
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <vector>

namespace optdnn::execution {

using RunOnTensors = std::function<torch::Tensor(const std::vector<torch::Tensor>&)>;

// Requires: `run` is a function of its inputs, of `module`'s parameters and of LibTorch's random numbers. Not for
// second derivatives.
torch::Tensor recomputed(const std::shared_ptr<torch::nn::Module>& module, RunOnTensors run,
                         const std::vector<torch::Tensor>& inputs);

}  // namespace optdnn::execution
