#include "optdnn/models/network.h"

#include "optdnn/models/dense_mlp.h"
#include "optdnn/models/densenet.h"
#include "optdnn/models/deq.h"
#include "optdnn/models/mdeq.h"
#include "optdnn/models/mlp.h"
#include "optdnn/models/mondeq.h"
#include "optdnn/models/resnet.h"

namespace optdnn::models {

Network make_opt_net(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape) {
  const auto net = std::make_shared<OptNetImpl>(rule, spec, shape);
  return {torch::nn::AnyModule(net), net};
}

namespace {

Network build(const ResNetSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(ResNet(residual_layout(spec, shape), shape)), nullptr};
}
Network build(const WrnSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(ResNet(residual_layout(spec, shape), shape)), nullptr};
}
Network build(const DenseNetSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(DenseNet(spec, shape)), nullptr};
}
Network build(const MlpSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(Mlp(spec, shape)), nullptr};
}
Network build(const DenseMlpSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(DenseMlp(spec, shape)), nullptr};
}
Network build(const DeqSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(Deq(spec, shape)), nullptr};
}
Network build(const MdeqSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(Mdeq(spec, shape)), nullptr};
}
Network build(const MonDeqSpec& spec, const NetworkShape& shape) {
  return {torch::nn::AnyModule(MonDeq(spec, shape)), nullptr};
}

}  // namespace

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

void check_baseline(const ModelSpec& spec, const NetworkShape& shape) {
  std::visit([&](const auto& chosen) { check(chosen, shape); }, spec);
}

Network make_baseline(const ModelSpec& spec, const NetworkShape& shape) {
  return std::visit([&](const auto& chosen) { return build(chosen, shape); }, spec);
}

}  // namespace optdnn::models
