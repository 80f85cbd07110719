// Programs with modules and coefficients of their own, for tests of executors.
#pragma once

#include <map>

#include "models/rules.h"
#include "optdnn/base/random.h"
#include "optdnn/execution/execution.h"
#include "optdnn/modules/catalogue.h"

namespace optdnn::tests {

using torch::Tensor;
using torch::autograd::variable_list;

// The modules and coefficients of one run of a rule, made where they are first asked for.
class Weights {
 public:
  Weights(const algorithms::Rule& rule, modules::ModuleSpec spec, int64_t width, bool image,
          torch::Dtype type = torch::kFloat64)
      : rule_(rule), spec_(std::move(spec)), width_(width), image_(image), type_(type) {}

  std::shared_ptr<modules::Module>& module(int family, int step, int fresh) {
    auto& module = modules_[{family, step, fresh}];
    if (!module) {
      module = modules::make_module(spec_, width_, 1, image_);
      module->to(type_);
    }
    return module;
  }

  // A leaf that learns, at its initial value.
  const Tensor& coefficient(const algorithms::Leaf& leaf) {
    Tensor& value = coefficients_[leaf];
    if (!value.defined()) value = torch::tensor(rule_.initial_value(leaf), type_).requires_grad_();
    return value;
  }

  // `before`: steps of the run before the program's.
  execution::Bindings bind(const execution::Program& program, int before = 0) {
    execution::Bindings bindings;
    for (const auto& use : program.modules) {
      bindings.modules.push_back(module(use.family, before + use.step, use.fresh));
    }
    if (program.solves()) {
      solvers::AndersonSpec solver;
      solver.steps = 30;
      solver.tolerance = 0;
      bindings.solver = solvers::FixedPoint(solver);
    }
    return bindings;
  }

  variable_list learned(const execution::Program& program) {
    variable_list learned;
    for (const auto& weight : program.learned) {
      learned.push_back(weight.evaluate<Tensor>([this](const algorithms::Leaf& leaf) { return coefficient(leaf); }));
    }
    return learned;
  }

  variable_list all() const {
    variable_list all;
    for (const auto& [place, module] : modules_) {
      for (const Tensor& parameter : module->parameters()) all.push_back(parameter);
    }
    for (const auto& [leaf, value] : coefficients_) all.push_back(value);
    return all;
  }
  std::map<algorithms::Leaf, Tensor>& coefficients() { return coefficients_; }

 private:
  algorithms::Rule rule_;
  modules::ModuleSpec spec_;
  int64_t width_;
  bool image_;
  torch::Dtype type_;
  std::map<std::tuple<int, int, int>, std::shared_ptr<modules::Module>> modules_;
  std::map<algorithms::Leaf, Tensor> coefficients_;
};

// The outputs by the executor of this name. Nothing where it declines; then `why` says so.
inline variable_list run_by(std::string_view name, const execution::Program& program, Weights& weights,
                            const variable_list& inputs, std::string& why, int before = 0) {
  const execution::MakeExecutor* make = execution::executors().find(name);
  INFO("executor " << name);
  REQUIRE(make);
  const auto executor =
      (*make)(std::make_shared<const execution::Program>(program), weights.bind(program, before), why);
  if (!executor) return {};
  why = executor->declines(inputs);
  if (!why.empty()) return {};
  return executor->run(inputs, weights.learned(program));
}

}  // namespace optdnn::tests
