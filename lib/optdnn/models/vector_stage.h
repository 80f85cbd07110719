// All steps of a stage of small two-layer modules as one node of the autograd graph: for networks so small that the
// operators' own overhead is most of their time. It gives the numbers of Stage's steps one by one, up to rounding.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>

#include "optdnn/models/stage_tape.h"
#include "optdnn/modules/module.h"

namespace optdnn::models {

class VectorStage {
 public:
  using ModuleOf = std::function<std::shared_ptr<modules::Module>(const PlannedCall&, int k)>;

  // Steps [first, first + count) of an explicit rule's plan. Nothing where a module is not a small dense_two_layer.
  static std::unique_ptr<VectorStage> make(const Plan& plan, int first, int count, const ModuleOf& module_of);

  // Whether the node takes this state: float32 or float64 vectors on the CPU, gradients wanted, no autocast.
  // All else, evaluations among it, is FusedStage's.
  bool fits(const State& state) const;

  // The state after the last step. Differentiable any number of times. Shapes: each tensor B x D; with runs R x B x D.
  // Requires fits(state).
  State run(const State& state, const ValueOf& value_of) const;

  struct Program;  // what the plan says, written out

 private:
  explicit VectorStage(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace optdnn::models
