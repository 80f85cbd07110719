// Networks for tests of executors, in every setting, and what comes out of them by one executor.
#pragma once

#include "models/fast_and_slow.h"
#include "optdnn/models/network.h"

namespace optdnn::tests {

using namespace models;
using modules::Activation;
using torch::Tensor;

enum class Setting { resnet, dense, carry };

inline TransitionSpec transition(Setting setting) {
  if (setting == Setting::dense) return DenseTransition{};
  return ConvTransition{{setting == Setting::carry ? StateAcross::carry : StateAcross::restart}};
}

struct Shape {
  int64_t runs, samples, width, hidden;
};

inline Network vector_net(const algorithms::Rule& rule, Setting setting, const Shape& shape, Activation activation,
                          std::vector<int64_t> depth) {
  OptNetSpec spec;
  spec.modules.assign(rule.families().size(), modules::DenseTwoLayerSpec{shape.hidden, activation});
  spec.width.assign(depth.size(), shape.width);
  spec.depth = std::move(depth);
  spec.transition = transition(setting);
  spec.head = ReadStateHead{};
  const int64_t outputs = setting == Setting::dense ? (spec.depth.back() + 1) * shape.width : shape.width;
  std::vector<Network> runs;
  for (int64_t run = 0; run < shape.runs; ++run) runs.push_back(make_opt_net(rule, spec, {{shape.width}, outputs}));
  return shape.runs == 1 ? runs.front() : stack_runs(runs);
}

inline Tensor vectors(const Shape& shape, torch::Dtype type) {
  const auto sizes = shape.runs == 1 ? std::vector<int64_t>{shape.samples, shape.width}
                                     : std::vector<int64_t>{shape.runs, shape.samples, shape.width};
  return torch::randn(sizes, type).requires_grad_();
}

struct Outcome {
  Tensor output;
  std::vector<Tensor> gradients;
};

// The gradients of the weights and of x. Requires that every stage ran by this executor.
inline Outcome run_by(const std::string& name, Network& net, const Tensor& x) {
  net.opt_net->force_executor(name);
  Outcome outcome{net.forward(x), {}};
  for (const auto& stage : net.opt_net->stages()) REQUIRE(stage->execution().choice()->name == name);
  std::vector<Tensor> wanted = net.module.ptr()->parameters();
  wanted.push_back(x);
  const Tensor weight = torch::linspace(-1, 2, outcome.output.numel(), x.options()).view_as(outcome.output);
  outcome.gradients = torch::autograd::grad({outcome.output}, wanted, {weight}, {}, false, true);
  return outcome;
}

}  // namespace optdnn::tests
