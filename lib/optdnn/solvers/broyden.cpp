#include "optdnn/solvers/broyden.h"

namespace optdnn::solvers {

namespace {

constexpr double kVanishes = 1e-12;  // of the denominator, against the squared step

torch::Tensor row_dots(const torch::Tensor& x, const torch::Tensor& y) { return (x * y).sum(1, true); }

}  // namespace

torch::Tensor Broyden::times_vector(const torch::Tensor& x) const {
  return rank_ == 0 ? -x : left_.combination(right_.dots(x, rank_)) - x;
}

torch::Tensor Broyden::vector_times(const torch::Tensor& x) const {
  return rank_ == 0 ? -x : right_.combination(left_.dots(x, rank_)) - x;
}

void Broyden::update(const torch::Tensor& g) {
  if (rank_ == memory_) rank_ = 0;
  const torch::Tensor y = g - residual_, row = vector_times(step_), divisor = row_dots(row, y);
  const torch::Tensor usable = divisor.abs() > kVanishes * row_dots(step_, step_);
  const torch::Tensor column = (step_ - times_vector(y)) / torch::where(usable, divisor, torch::ones_like(divisor));
  left_.put(rank_, torch::where(usable & column.isfinite().all(1, true), column, torch::zeros_like(column)));
  right_.put(rank_, torch::where(usable & row.isfinite().all(1, true), row, torch::zeros_like(row)));
  ++rank_;
}

torch::Tensor Broyden::next(const torch::Tensor& u, const torch::Tensor& /*f*/, const torch::Tensor& g) {
  torch::Tensor step = g;
  if (step_.defined()) {
    update(g);
    step = -times_vector(g);
    const torch::Tensor usable =
        step.isfinite().all(1, true) & (row_dots(g, g) <= kDoubled * row_dots(residual_, residual_));
    step = torch::where(usable, step, g);
  }
  step_ = step;
  residual_ = g;
  return u + step;
}

}  // namespace optdnn::solvers
