#include "optdnn/solvers/solve.h"

#include <limits>

#include "optdnn/solvers/method.h"

namespace optdnn::solvers {

namespace {

using torch::Tensor;

constexpr double kTiny = 1e-30;  // so that a solution at zero has residual zero

Tensor relative_residual(const Tensor& f, const Tensor& g) {
  const torch::NoGradGuard no_grad;
  return g.norm(2, 1) / (f.norm(2, 1) + kTiny);
}

// Of every sample the best iterate so far, and whether it has stopped.
class Watch {
 public:
  Watch(const Tensor& start, double tolerance) : tolerance_(tolerance) {
    best_.u_SN = start;
    best_.residual_S = torch::full({start.size(0)}, std::numeric_limits<double>::infinity(), start.options());
    best_.steps_S = torch::zeros_like(best_.residual_S);
    running_ = torch::ones({start.size(0)}, start.options().dtype(torch::kBool));
  }

  // Looks at iterate u with F(u) = f = u + g, after `steps` evaluations. Returns whether every sample has stopped.
  bool look(const Tensor& u, const Tensor& f, const Tensor& g, int64_t steps) {
    const Tensor residual = relative_residual(f, g);
    best_.curve.push_back(torch::where(running_, residual, best_.residual_S));
    best_.looked_at.push_back(steps);
    const Tensor better = running_ & (residual < best_.residual_S);
    const bool all = better.device().is_cpu() && better.all().item<bool>();  // then nothing is copied
    best_.u_SN = all ? u : torch::where(better.unsqueeze(1), u, best_.u_SN);
    best_.residual_S = torch::where(better, residual, best_.residual_S);
    best_.steps_S = best_.steps_S.masked_fill(running_, static_cast<double>(steps));
    if (tolerance_ == 0.0) return false;
    running_ = running_ & (best_.residual_S > tolerance_);
    return !running_.any().item<bool>();
  }

  Solution take() {
    best_.failed_S = tolerance_ > 0.0 ? running_ : best_.residual_S.isfinite().logical_not();
    return std::move(best_);
  }

 private:
  double tolerance_;
  Solution best_;
  Tensor running_;
};

}  // namespace

Solution solve(const SolverSpec& spec, const Map& F, const Tensor& start_SN) {
  const SolverFields& fields = common(spec);
  const auto method = make_method(spec);
  Watch watch(start_SN, fields.tolerance);
  Tensor u = start_SN;
  for (int64_t step = 1;; ++step) {
    const Tensor f = F(u), g = f - u;
    const bool last = step == fields.steps;
    if ((last || step % fields.check_every == 0) && (watch.look(u, f, g, step) || last)) break;
    u = method->next(u, f, g);
  }
  return watch.take();
}

}  // namespace optdnn::solvers
