#include "optdnn/models/network.h"

namespace optdnn::models {

Network make_opt_net(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape) {
  const auto net = std::make_shared<OptNetImpl>(rule, spec, shape);
  return {torch::nn::AnyModule(net), net};
}

Network stack_runs(const std::vector<Network>& runs) {
  TORCH_CHECK(runs.front().module.ptr()->buffers().empty(), "[stack_runs] wanted networks without buffers");
  const auto whole = runs.front().module.ptr()->named_parameters();
  for (const auto& item : whole) {
    std::vector<torch::Tensor> parts;
    for (const Network& run : runs) parts.push_back(run.module.ptr()->named_parameters()[item.key()].detach());
    torch::Tensor parameter = item.value();
    parameter.set_data(torch::stack(parts));
  }
  return runs.front();
}

}  // namespace optdnn::models
