#include "optdnn/solvers/anderson.h"

#include <algorithm>

namespace optdnn::solvers {

namespace {

torch::Tensor with_row_and_column(const torch::Tensor& gram, const torch::Tensor& row, int64_t slot) {
  return gram.select_scatter(row, 1, slot).select_scatter(row, 2, slot);
}

}  // namespace

torch::Tensor Anderson::next(const torch::Tensor& /*u*/, const torch::Tensor& f, const torch::Tensor& g) {
  const int64_t slot = taken_ % spec_.memory, count = std::min(++taken_, spec_.memory);
  residuals_.put(slot, g);
  if (!gram_.defined()) {
    gram_ = torch::eye(spec_.memory, g.options().dtype(torch::kFloat64)).repeat({g.size(0), 1, 1});
  }
  const torch::Tensor dots = residuals_.dots(g, count).to(torch::kFloat64);
  gram_ = with_row_and_column(gram_, torch::constant_pad_nd(dots, {0, spec_.memory - count}), slot);
  if (spec_.memory > 1) values_.put(slot, f);

  torch::Tensor next = f;
  if (count > 1) {
    const torch::Tensor a = weights(slot, count).to(f.scalar_type());
    next = values_.combination(a);
    if (spec_.damping > 0.0) next = next - spec_.damping * residuals_.combination(a);
  } else if (spec_.damping > 0.0) {
    next = torch::sub(f, g, spec_.damping);
  }
  last_ = dots.select(1, slot);
  return next;
}

torch::Tensor Anderson::weights(int64_t slot, int64_t count) {
  const torch::Tensor gram = gram_.narrow(1, 0, count).narrow(2, 0, count);
  const torch::Tensor scale = gram.diagonal(0, 1, 2).clamp_min(1e-300).rsqrt();
  const torch::Tensor identity = torch::eye(count, gram.options());
  const torch::Tensor system = gram * scale.unsqueeze(1) * scale.unsqueeze(2) + spec_.ridge * identity;
  const torch::Tensor solved = std::get<0>(torch::linalg_solve_ex(system, scale.unsqueeze(2))).squeeze(2) * scale;
  const torch::Tensor weights = solved / solved.sum(1, true);

  const torch::Tensor usable = weights.isfinite().all(1) & (gram_.select(1, slot).select(1, slot) <= kDoubled * last_);
  return torch::where(usable.unsqueeze(1), weights, identity[slot]);
}

}  // namespace optdnn::solvers
