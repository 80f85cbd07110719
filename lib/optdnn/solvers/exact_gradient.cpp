#include "optdnn/solvers/exact_gradient.h"

#include "optdnn/base/errors.h"
#include "optdnn/kernels/differentiable.h"

namespace optdnn::solvers {

using torch::Tensor;
using torch::autograd::variable_list;

namespace {

// f as a function of itself and of u, whose derivative is that of the fixed point.
class ImplicitDerivative : public kernels::Differentiable {
 public:
  ImplicitDerivative(SolverSpec adjoint, std::shared_ptr<SolveTally> tally, int64_t runs)
      : adjoint_(std::move(adjoint)), tally_(std::move(tally)), runs_(runs) {}

  variable_list forward(at::TensorList f_and_u, variable_list& saved) override {
    saved = f_and_u.vec();
    return {f_and_u[0].view_as(f_and_u[0])};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &f = saved[0], &u = saved[1], &g = gradients[0];
    const Map adjoint = [&](const Tensor& v) {
      return torch::autograd::grad({f}, {u}, {v}, /*retain_graph=*/true)[0] + g;
    };
    const Solution solution = solve(adjoint_, adjoint, g);
    if (tally_) tally_->add_adjoint(solution, runs_);
    return {solution.u_SN, Tensor()};
  }

  variable_list differentiable_backward(const variable_list&, variable_list) const override {
    throw base::ConfigError("the exact gradient of an implicit step has no second derivative",
                            "solver: {gradient: {name: unrolled}}");
  }

 private:
  SolverSpec adjoint_;
  std::shared_ptr<SolveTally> tally_;
  int64_t runs_;
};

}  // namespace

SolverSpec adjoint_spec(const SolverSpec& spec, const ExactGradient& gradient) {
  SolverSpec adjoint = spec;
  if (gradient.steps) common(adjoint).steps = *gradient.steps;
  if (gradient.tolerance) common(adjoint).tolerance = *gradient.tolerance;
  return adjoint;
}

Tensor with_exact_gradient(const Tensor& f, const Tensor& u, SolverSpec adjoint, std::shared_ptr<SolveTally> tally,
                           int64_t runs) {
  return kernels::apply(c10::make_intrusive<ImplicitDerivative>(std::move(adjoint), std::move(tally), runs), {f, u})
      .front();
}

}  // namespace optdnn::solvers
