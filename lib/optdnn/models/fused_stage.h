// The steps of a stage whose linear combinations between two modules are one node each (linear_node.h), together with
// the norms that begin modules, for networks whose states are large. It gives the numbers of Stage's steps one by one,
// up to rounding.
#pragma once

#include <functional>
#include <memory>

#include "optdnn/models/linear_node.h"
#include "optdnn/models/stage_tape.h"

namespace optdnn::models {

class FusedStage {
 public:
  // Steps [first, first + count) of an explicit rule's plan. Nothing where a module is asked for its value at zero.
  // Requires that the plan outlives it.
  static std::unique_ptr<FusedStage> make(const Plan& plan, int first, int count);

  // Whether it takes this state: on the CPU.
  static bool fits(const State& state);

  // How the stage's modules are asked: for the norm they begin with, if it may be taken where their argument is made,
  // and for their result.
  struct Modules {
    std::function<std::optional<modules::BatchNorm>(const PlannedCall&, int k)> first_norm;
    std::function<torch::Tensor(const PlannedCall&, int k, const torch::Tensor& argument)> evaluate;
    std::function<torch::Tensor(const PlannedCall&, int k, const torch::Tensor& normed)> after_first_norm;
  };

  // The state after the last step.
  State run(const State& state, const Modules& modules, const ValueOf& value_of) const;

 private:
  struct Call {
    const PlannedCall* call;
    int k;
  };
  struct Argument {
    int output, module;  // the map's output that the module reads
  };
  // Combinations that follow one another, then a module, if any, and the values nobody reads after that.
  struct Segment {
    std::vector<int> inputs, outputs;  // values of the stage
    std::shared_ptr<const LinearMap> map;
    std::vector<int> learned;  // of the stage's
    std::vector<Argument> arguments;
    int module = -1, argument = -1, result = -1;
    std::vector<int> last_read;
  };
  FusedStage(StageTape tape, std::vector<Call> calls);
  Segment segment(int begin, int end, const std::vector<int>& last) const;

  StageTape tape_;
  std::vector<Call> calls_;
  std::vector<Segment> segments_;
};

}  // namespace optdnn::models
