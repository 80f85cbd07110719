// A chain of convolutions, each after a norm and an activation: Norm-s-Conv, repeated. Three modules and DenseNet are
// such chains.     He et al. 2016b, arXiv 1603.05027
#pragma once

#include "optdnn/modules/count.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/module.h"

namespace optdnn::modules {

struct ChainLayer {
  int64_t kernel_px, outputs;
};

// `uses`: sets of batch statistics.
class PreActivation : public Module {
 public:
  PreActivation(int64_t inputs, const std::vector<ChainLayer>& layers, Activation activation, NormKind norm,
                int64_t uses);
  torch::Tensor forward(const torch::Tensor& x, int64_t step) override;
  std::optional<BatchNorm> first_norm(int64_t step) override { return norms_.front()->with_relu(activation_, step); }
  torch::Tensor after_first_norm(const NormedRelu& normed, int64_t step) override;
  std::vector<torch::Tensor> last_layer() override { return {convolutions_.back()->weight}; }

 private:
  std::vector<Norm> norms_;
  std::vector<Convolution> convolutions_;
  Activation activation_;
};

Count count_pre_activation(int64_t inputs, const std::vector<ChainLayer>& layers, Activation activation, NormKind norm,
                           const Extent& at);

}  // namespace optdnn::modules
