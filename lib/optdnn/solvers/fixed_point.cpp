#include "optdnn/solvers/fixed_point.h"

#include <ATen/autocast_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "optdnn/kernels/layout.h"
#include "optdnn/solvers/exact_gradient.h"
#include "optdnn/solvers/spectral_radius.h"

namespace optdnn::solvers {

using torch::Tensor;

namespace {

Tensor phantom_steps(const PhantomGradient& gradient, const Map& F, Tensor u) {
  for (int64_t step = 0; step < gradient.steps; ++step) u = torch::lerp(F(u), u, gradient.damping);
  return u;
}

// The mean square of the entries of v^T J, v standard normal.
Tensor jacobian_penalty(const Tensor& f, const Tensor& u) {
  return torch::autograd::grad({f}, {u}, {torch::randn_like(f)}, true, /*create_graph=*/true)[0].pow(2).mean();
}

}  // namespace

FixedPointImpl::FixedPointImpl(SolverSpec spec) : spec_(std::move(spec)), tally_(std::make_shared<SolveTally>()) {}

bool FixedPointImpl::looks() const {
  const auto* exact = std::get_if<ExactGradient>(&common(spec_).gradient);
  return common(spec_).tolerance > 0 || (exact && common(adjoint_spec(spec_, *exact)).tolerance > 0);
}

Tensor FixedPointImpl::solve(const Map& given, const Tensor& start, Tensor* solution_SN, int64_t runs) {
  // Choice: a solve is done in float32 at least; 16 bits are the business of F's own convolutions and products.
  const auto type = start.element_size() < 4 ? torch::kFloat32 : start.scalar_type();
  const auto outside = c10::impl::tls_local_dispatch_key_set();
  const Map F = [&given, outside, type](const Tensor& u) {
    const c10::impl::ForceDispatchKeyGuard as_outside(outside);
    return given(u).to(type);
  };
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  return solve_wide(F, start.to(type), solution_SN, runs).to(start.scalar_type());
}

Tensor FixedPointImpl::solve_wide(const Map& F, const Tensor& start_SN, Tensor* solution_SN, int64_t runs) {
  const bool unrolled =
      torch::GradMode::is_enabled() && std::holds_alternative<UnrolledGradient>(common(spec_).gradient);
  SolverSpec spec = spec_;
  if (mode_ == Mode::cost) common(spec).tolerance = 0;
  Solution solution;
  {
    const torch::AutoGradMode mode(unrolled);
    solution = solvers::solve(spec, F, start_SN);
  }
  at::autocast::clear_cache();  // 16-bit copies of weights that were made without gradients
  if (mode_ == Mode::normal) tally_->add(solution, runs);
  if (mode_ == Mode::radius) {
    const Tensor radii = std::get<0>(spectral_radius(F, solution.u_SN).view({runs, -1}).max(1));
    radii_ = radii_.defined() ? torch::maximum(radii_, radii) : radii;
  }
  if (solution_SN) *solution_SN = solution.u_SN.detach();
  return unrolled || !torch::GradMode::is_enabled() ? F(solution.u_SN) : attach(F, solution.u_SN, runs);
}

Tensor FixedPointImpl::attach(const Map& F, const Tensor& u, int64_t runs) {
  const GradientSpec& gradient = common(spec_).gradient;
  const bool regularised = is_training() && mode_ == Mode::normal && common(spec_).jacobian_penalty > 0;
  const auto* exact = std::get_if<ExactGradient>(&gradient);
  if (exact || regularised) {
    const Tensor at = u.detach().requires_grad_();
    const Tensor f = F(at);
    if (regularised) {
      const Tensor added = static_cast<double>(runs) * common(spec_).jacobian_penalty * jacobian_penalty(f, at);
      penalty_ = penalty_.defined() ? penalty_ + added : added;
    }
    if (exact)
      return with_exact_gradient(f, at, adjoint_spec(spec_, *exact), mode_ == Mode::normal ? tally_ : nullptr, runs);
  }
  if (const auto* phantom = std::get_if<PhantomGradient>(&gradient)) return phantom_steps(*phantom, F, u);
  return F(u);
}

Tensor FixedPointImpl::take_penalty() { return std::exchange(penalty_, Tensor()); }

std::vector<double> FixedPointImpl::take_radii() {
  if (!radii_.defined()) return {};
  return kernels::numbers_of(std::exchange(radii_, Tensor()));
}

std::vector<std::shared_ptr<FixedPointImpl>> fixed_points(const torch::nn::Module& network) {
  std::vector<std::shared_ptr<FixedPointImpl>> found;
  for (const auto& module : network.modules(/*include_self=*/false)) {
    if (auto point = std::dynamic_pointer_cast<FixedPointImpl>(module)) found.push_back(std::move(point));
  }
  return found;
}

Tensor take_penalties(const std::vector<std::shared_ptr<FixedPointImpl>>& points) {
  Tensor sum;
  for (const auto& point : points) {
    const Tensor penalty = point->take_penalty();
    if (penalty.defined()) sum = sum.defined() ? sum + penalty : penalty;
  }
  return sum;
}

}  // namespace optdnn::solvers
