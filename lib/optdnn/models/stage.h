// Steps of a rule at one resolution: the plan's linear combinations over this stage's modules and coefficients.
#pragma once

#include "optdnn/models/coefficients.h"
#include "optdnn/models/fused_stage.h"
#include "optdnn/models/linear_combination.h"
#include "optdnn/models/plan.h"
#include "optdnn/models/vector_stage.h"
#include "optdnn/modules/catalogue.h"
#include "optdnn/solvers/fixed_point.h"

namespace optdnn::models {

class Stage : public torch::nn::Module {
 public:
  // Steps [first, first + count) of the plan. `modules` holds one spec per family of the rule, in its order; `solver`
  // finds the unknowns of an implicit rule; `among` says where the stage stands in the network. With `recompute` the
  // way back runs every module again.
  Stage(const algorithms::Rule& rule, std::shared_ptr<const Plan> plan, int first, int count,
        const std::vector<modules::ModuleSpec>& modules, int64_t width, bool image, double init_scale,
        const solvers::SolverSpec& solver, modules::Steps among = {}, bool recompute = false);

  // The state before the plan's first step.
  State start(const torch::Tensor& input) const;
  // `path`, if given, gets the rule's output after each step, where the network keeps what that reads.
  State run(State state, std::vector<torch::Tensor>* path = nullptr);
  // Requires that the stage's last step is the plan's.
  torch::Tensor output(const State& state) const;

  const CoefficientsImpl& coefficients() const { return *coefficients_; }
  int first() const { return first_; }
  int steps() const { return count_; }

 private:
  struct StepResults {
    std::vector<torch::Tensor> arguments, results;
  };
  // The terms with the tensors and coefficients they name.
  std::vector<WeightedTensor> weighted(const Combination& terms, const State& state, const StepResults& step) const;
  torch::Tensor combine(const Combination& terms, const State& state, const StepResults& step) const;
  torch::Tensor evaluate(const PlannedCall& call, int k, const torch::Tensor& argument) const;
  // Finds the results of an implicit group. `unknowns` is the solution to begin at, and receives the one found.
  void solve(const PlannedStep& planned, const std::vector<int>& group, int k, const State& state, StepResults& step,
             torch::Tensor& unknowns);
  torch::nn::Module& steps_of(const std::string& family);
  const std::shared_ptr<modules::Module>& module_of(const PlannedCall& call, int k) const;

  std::shared_ptr<const Plan> plan_;
  int first_, count_;
  bool recompute_;
  // By family, then by step (or the one shared module), then by the j of T[k,j] (0 for the step's own).
  std::map<std::tuple<int, int, int>, std::shared_ptr<modules::Module>> modules_;
  std::vector<bool> shared_;
  Coefficients coefficients_;
  solvers::FixedPoint solver_{nullptr};        // implicit rules only
  std::unique_ptr<VectorStage> vector_stage_;  // all steps as one node, where that is faster
  std::unique_ptr<FusedStage> fused_stage_;    // explicit rules; for states on the CPU
};

}  // namespace optdnn::models
