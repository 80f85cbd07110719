#include "optdnn/models/stage.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/models/compression.h"

namespace optdnn::models {

using base::concat;
using execution::ModuleUse;
using execution::Program;
using torch::Tensor;

Stage::Stage(const algorithms::Rule& rule, Program program, int first, int steps,
             const std::vector<modules::ModuleSpec>& modules, Widths width, bool image, double init_scale,
             const solvers::SolverSpec& solver, modules::Steps among, bool recompute)
    : first_(first), steps_(steps), recompute_(recompute), coefficients_(rule, program.leaves()) {
  for (const auto& spec : modules) shared_.push_back(modules::module_sharing(spec) == modules::Sharing::shared);
  const bool one_width = width.input == width.state;
  const auto reads_input = one_width ? std::vector<bool>(program.modules.size()) : reads_input_width(program, rule);
  if (!one_width && std::find(shared_.begin(), shared_.end(), true) != shared_.end()) {
    throw base::ConfigError(concat("rule '", rule.name(), "': a module shared by all steps cannot read x[0] of ",
                                   width.input, " channels and other iterates of ", width.state),
                            "sharing: per_step, or compression: growth");
  }
  for (size_t i = 0; i < program.modules.size(); ++i) {
    const ModuleUse& use = program.modules[i];
    auto& module = module_of(use);
    if (module) continue;
    const bool shared = shared_[use.family];
    const std::string& family = rule.families()[use.family];
    module = modules::make_module(modules[use.family], width.state, shared ? steps : 1, image, among,
                                  reads_input[i] ? width.input : width.state);
    torch::NoGradGuard no_grad;
    if (init_scale != 1.0) {
      for (Tensor weight : module->last_layer()) weight.mul_(init_scale);
    }
    if (shared) {
      register_module(family, module);
    } else {
      steps_of(family).register_module(use.fresh < 0 ? concat(use.step) : concat(use.step, "_", use.fresh), module);
    }
  }
  register_module("coefficients", coefficients_);
  if (program.solves()) solver_ = register_module("solver", solvers::FixedPoint(solver));
  execution::Bindings bindings = bind(program);
  execution_ = std::make_unique<execution::Execution>(std::move(program), std::move(bindings));
  if (!one_width) execution_->force("operators");  // the others take values of one shape
}

// Parameters are named as in stage_0.T.3.conv1.weight; with shared modules stage_0.T.conv1.weight.
torch::nn::Module& Stage::steps_of(const std::string& family) {
  const auto children = named_children();
  if (const auto* found = children.find(family)) return **found;
  return *register_module(family, std::make_shared<torch::nn::Module>(family));
}

std::shared_ptr<modules::Module>& Stage::module_of(const ModuleUse& use) {
  return modules_[{use.family, shared_[use.family] ? 0 : use.step, std::max(0, use.fresh)}];
}

execution::Bindings Stage::bind(const Program& program) {
  execution::Bindings bindings{{}, solver_, recompute_};
  for (const ModuleUse& use : program.modules) bindings.modules.push_back(module_of(use));
  return bindings;
}

std::vector<Tensor> Stage::run(std::vector<Tensor> inputs) {
  coefficients_->refresh();
  return execution_->run(std::move(inputs),
                         [this](const algorithms::Leaf& leaf) { return coefficients_->value(leaf); });
}

std::vector<Tensor> Stage::run(const Program& program, std::vector<Tensor> inputs) {
  coefficients_->refresh();
  std::vector<Tensor> learned;
  for (const algorithms::Scalar& weight : program.learned) {
    learned.push_back(
        weight.evaluate<Tensor>([this](const algorithms::Leaf& leaf) { return coefficients_->value(leaf); }));
  }
  std::string why;
  return execution::make_operators(std::make_shared<const Program>(program), bind(program), why)
      ->run(std::move(inputs), learned);
}

}  // namespace optdnn::models
