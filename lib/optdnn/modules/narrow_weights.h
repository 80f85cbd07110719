// The weights of a network's convolutions and projections in 16 bits, all made by one kernel, and their gradients all
// widened by one: autocast has an operator for each. Its slow twin is autocast, equal bit for bit. Layers whose weights
// are also read otherwise (Affine, by what bounds them) are left to autocast.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace optdnn::modules {

class NarrowWeights {
 public:
  // `type`: float16 or bfloat16. Keeps references to the network's layers.
  NarrowWeights(const torch::nn::Module& network, torch::Dtype type);

  // Whether there are kernels for it.
  bool fits(const torch::Device& device) const;

  // While it lives, the layers multiply by copies of their weights as they are now. Requires: fits.
  class Use {
   public:
    explicit Use(NarrowWeights& weights);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    std::vector<torch::Tensor*>& places_;
    std::vector<torch::Tensor> own_;
  };

 private:
  torch::Dtype type_;
  std::vector<torch::Tensor*> places_;  // where a layer reads its weight
};

}  // namespace optdnn::modules
