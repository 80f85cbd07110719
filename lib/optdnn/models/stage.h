// Steps of a rule at one resolution: a program over this stage's modules and coefficients, and what runs it.
#pragma once

#include <map>
#include <tuple>

#include "optdnn/execution/execution.h"
#include "optdnn/models/coefficients.h"
#include "optdnn/modules/catalogue.h"

namespace optdnn::models {

class Stage : public torch::nn::Module {
 public:
  // Channels of the stage's input, and of all other iterates. They differ in the DenseNet setting alone.
  struct Widths {
    int64_t input, state;
  };
  // Runs `program`, whose steps are [first, first + steps) of the rule. `modules` holds one spec per family of the
  // rule, in its order; `solver` finds the unknowns of an implicit rule; `among` says where the stage stands in the
  // network. With `recompute` the backward pass runs every module again.
  Stage(const algorithms::Rule& rule, execution::Program program, int first, int steps,
        const std::vector<modules::ModuleSpec>& modules, Widths width, bool image, double init_scale,
        const solvers::SolverSpec& solver, modules::Steps among = {}, bool recompute = false);

  // The program's outputs: the rule's, then what the next stage reads.
  std::vector<torch::Tensor> run(std::vector<torch::Tensor> inputs);
  // Those of another program over the same modules and coefficients, by LibTorch's operators.
  std::vector<torch::Tensor> run(const execution::Program& program, std::vector<torch::Tensor> inputs);

  execution::Execution& execution() { return *execution_; }
  const execution::Program& program() const { return execution_->program(); }
  const CoefficientsImpl& coefficients() const { return *coefficients_; }
  int first() const { return first_; }
  int steps() const { return steps_; }

 private:
  std::shared_ptr<modules::Module>& module_of(const execution::ModuleUse& use);
  torch::nn::Module& steps_of(const std::string& family);
  execution::Bindings bind(const execution::Program& program);

  int first_, steps_;
  bool recompute_;
  // By family, then by step (or the one shared module), then by the j of T[k,j] (0 for the step's own).
  std::map<std::tuple<int, int, int>, std::shared_ptr<modules::Module>> modules_;
  std::vector<bool> shared_;  // by family
  Coefficients coefficients_;
  solvers::FixedPoint solver_{nullptr};  // where the program solves
  std::unique_ptr<execution::Execution> execution_;
};

}  // namespace optdnn::models
