// An exponential moving average of a network's parameters and real-valued buffers:
//   average = decay average + (1 - decay) weights      after every iteration, beginning at the initial weights
#pragma once

#include <torch/torch.h>

#include "optdnn/training/safetensors.h"

namespace optdnn::training {

class Ema {
 public:
  // Keeps references to the module's tensors, whose memory must stay where it is.
  Ema(const torch::nn::Module& module, double decay);

  void update();
  // Exchanges the average with the weights; a second call undoes it.
  void swap();
  const std::vector<torch::Tensor>& weights() const { return weights_; }
  const std::vector<torch::Tensor>& averages() const { return averages_; }
  double decay() const { return decay_; }
  // The average by the names of parameters and buffers, sharing memory.
  TensorMap state() const;

 private:
  double decay_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> weights_, averages_;
};

}  // namespace optdnn::training
