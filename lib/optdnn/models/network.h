// A network: what training trains and info counts. Built by one factory from a rule and its modules, or from a
// baseline.
#pragma once

#include <torch/torch.h>

#include "optdnn/models/opt_net.h"

namespace optdnn::models {

struct Network {
  torch::nn::AnyModule module;          // forward: B x (input) -> B x outputs
  std::shared_ptr<OptNetImpl> opt_net;  // null for a baseline

  torch::Tensor forward(const torch::Tensor& inputs) { return module.forward(inputs); }
};

Network make_opt_net(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape);

// Several networks of one spec as one: every parameter gets a leading run dimension, and inputs_RBD give outputs_RBK,
// each run's from its own weights. The first network becomes the whole. Requires networks on vectors, without buffers.
Network stack_runs(const std::vector<Network>& runs);

}  // namespace optdnn::models
