#include "optdnn/execution/module_call.h"

#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/recompute.h"
#include "optdnn/solvers/packing.h"

namespace optdnn::execution {

using torch::Tensor;

Tensor call_module(const Program& program, const Bindings& bindings, int number, const Tensor& argument) {
  const auto& module = bindings.modules[number];
  const int step = program.modules[number].step;
  if (!bindings.recompute) return module->forward(argument, step);
  const auto run = [module, step](const std::vector<Tensor>& at) { return module->forward(at.front(), step); };
  return recomputed(module, run, {argument});
}

variable_list solve_group(const Program& program, const Bindings& bindings, const Solve& solve,
                          const variable_list& values, at::TensorList learned, Tensor& solution) {
  // y = constant + coupling u, u = T(y): what does not depend on u is computed once.
  struct Equation {
    std::vector<WeightedTensor> terms;  // the coupling's first, in its order, then the constant
    modules::Function T;
  };
  const solvers::Packing packing(variable_list(solve.unknowns.size(), zeros_like_values(values)));
  const Tensor zeros = packing.zeros();
  const variable_list zero = packing.unpack(zeros);
  std::vector<Equation> equations;
  for (const Unknown& unknown : solve.unknowns) {
    Equation& equation = equations.emplace_back();
    equation.terms = weighted(unknown.coupling, zero, learned);
    if (unknown.constant >= 0) equation.terms.push_back({values[unknown.constant], 1.0, {}});
    equation.T = bindings.modules[unknown.module]->at_step(program.modules[unknown.module].step);
  }
  const solvers::Map F = [&](const Tensor& rows) {
    const variable_list at = packing.unpack(rows);
    variable_list next;
    for (size_t i = 0; i < equations.size(); ++i) {
      const Terms& coupling = solve.unknowns[i].coupling;
      std::vector<WeightedTensor> terms = equations[i].terms;
      for (size_t j = 0; j < coupling.size(); ++j) terms[j].tensor = at[coupling[j].value];
      next.push_back(equations[i].T(linear_combination(terms)));
    }
    return packing.pack(next);
  };
  const bool warm =
      solvers::common(bindings.solver->spec()).warm_start && solution.defined() && solution.sizes() == zeros.sizes();
  solvers::FixedPoint solver = bindings.solver;
  return packing.unpack(solver->solve(F, warm ? solution : zeros, &solution, packing.runs()));
}

}  // namespace optdnn::execution
