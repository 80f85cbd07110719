// The weights of a network's convolutions and projections in 16 bits, all made by one kernel, and their gradients all
// widened by one: autocast has an operator for each. Its slow twin is autocast, equal bit for bit. Layers whose weights
// are also read otherwise (Affine, by what bounds them) are left to autocast.
//
// Kernels want channels in multiples of eight. Where a network takes it, a copy has channels of zeros beside its own,
// and so have those of its batch norms: 31 channels run as 32, and the last changes nothing. Parameters, gradients and
// files know nothing of it.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

#include "optdnn/kernels/gpu_cast.h"

namespace optdnn::modules {

class NarrowWeights {
 public:
  // `type`: float16 or bfloat16. `padded`: whether channels of zeros may stand beside the network's own
  // (Traits::takes_padding). Keeps references to the network's layers.
  NarrowWeights(const torch::nn::Module& network, torch::Dtype type, bool padded);

  // Whether there are kernels for it.
  bool fits(const torch::Device& device) const;

  // forward(), with the layers multiplying by copies of their weights as they are now. Requires: fits.
  torch::Tensor during(const std::function<torch::Tensor()>& forward) const;

 private:
  // Where layers read tensors, and the shapes of the copies there.
  struct Copies {
    void add(torch::Tensor& place);
    void add_padded(torch::Tensor& place, int64_t parts);  // of its channels, each of which is padded
    std::vector<torch::Tensor> own() const;
    std::vector<torch::Tensor*> places;
    std::vector<kernels::Shape> shapes;
  };

  torch::Dtype type_;
  Copies weights_;
  Copies norms_, statistics_;  // of batch norms with padded channels, in float32
};

}  // namespace optdnn::modules
