// What a network costs, read off a run of it rather than off formulas: the convolutions and matrix products that
// LibTorch executes for one sample, and the memory a training pass keeps for its backward pass.
#pragma once

#include "optdnn/models/network.h"

namespace optdnn::baselines {

using models::Network;
using models::NetworkShape;

struct Cost {
  int64_t parameters = 0;
  // Convolutions and matrix products of one sample's forward pass, once per use, complex products as four, and FFTs;
  // solves take all their steps.
  int64_t multiply_adds = 0;
  double activation_mib_per_sample = 0;  // kept by autograd between the forward and the backward pass, on the CPU
};

// Runs the network on zeros, in evaluation for the products and in training for the memory; its weights and its
// statistics are as before.
Cost measure_cost(Network& network, const NetworkShape& shape);

int64_t count_parameters(const torch::nn::Module& module);

// The multiply-adds of whatever `run` executes on this thread.
int64_t count_multiply_adds(const std::function<void()>& run);

}  // namespace optdnn::baselines
