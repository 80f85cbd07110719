#include "optdnn/baselines/catalogue.h"

#include "optdnn/baselines/dense_mlp.h"
#include "optdnn/baselines/densenet.h"
#include "optdnn/baselines/deq.h"
#include "optdnn/baselines/mdeq.h"
#include "optdnn/baselines/mlp.h"
#include "optdnn/baselines/mondeq.h"
#include "optdnn/baselines/resnet.h"

namespace optdnn::baselines {

using models::Network;

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

void check_baseline(const ModelSpec& spec, const NetworkShape& shape) {
  std::visit([&](const auto& chosen) { check(chosen, shape); }, spec);
}

Network make_baseline(const ModelSpec& spec, const NetworkShape& shape) {
  return std::visit([&](const auto& chosen) { return build(chosen, shape); }, spec);
}

}  // namespace optdnn::baselines
