#include "optdnn/solvers/exact_gradient.h"

#include "optdnn/base/errors.h"

namespace optdnn::solvers {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

struct WayBack : torch::CustomClassHolder {
  WayBack(SolverSpec solver, std::shared_ptr<Tally> counted, int64_t of)
      : spec(std::move(solver)), tally(std::move(counted)), runs(of) {}
  SolverSpec spec;
  std::shared_ptr<Tally> tally;
  int64_t runs;
};

struct ImplicitDerivative : torch::autograd::Function<ImplicitDerivative> {
  static Tensor forward(AutogradContext* context, const Tensor& f, const Tensor& u,
                        const c10::intrusive_ptr<WayBack>& way_back) {
    context->save_for_backward({f, u});
    context->saved_data["way_back"] = c10::IValue::make_capsule(way_back);
    return f.view_as(f);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    if (torch::GradMode::is_enabled()) {
      throw base::ConfigError("the exact gradient of an implicit step has no second derivative",
                              "solver: {gradient: {name: unrolled}}");
    }
    const auto way_back = c10::static_intrusive_pointer_cast<WayBack>(context->saved_data["way_back"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const Tensor &f = saved[0], &u = saved[1], &g = gradients[0];
    const Map adjoint = [&](const Tensor& v) {
      return torch::autograd::grad({f}, {u}, {v}, /*retain_graph=*/true)[0] + g;
    };
    const Solution solution = solve(way_back->spec, adjoint, g);
    if (way_back->tally) way_back->tally->add_adjoint(solution, way_back->runs);
    return {solution.u_SN, Tensor(), Tensor()};
  }
};

}  // namespace

SolverSpec adjoint_spec(const SolverSpec& spec, const ExactGradient& gradient) {
  SolverSpec adjoint = spec;
  if (gradient.steps) common(adjoint).steps = *gradient.steps;
  if (gradient.tolerance) common(adjoint).tolerance = *gradient.tolerance;
  return adjoint;
}

Tensor with_exact_gradient(const Tensor& f, const Tensor& u, SolverSpec adjoint, std::shared_ptr<Tally> tally,
                           int64_t runs) {
  return ImplicitDerivative::apply(f, u, c10::make_intrusive<WayBack>(std::move(adjoint), std::move(tally), runs));
}

}  // namespace optdnn::solvers
