// Broyden's method on g(u) = F(u) - u: the inverse derivative is kept as H = -1 + sum_i a_i b_i^T, and
//
//   s = -H g,   u+ = u + s,   H+ = H + (s - H y) s^T H / (s^T H y)   with y = g+ - g
//
// The first step is Picard's. Source: Broyden 1965, in the Sherman-Morrison form. Choice: when `memory` terms are full
// the estimate begins anew; a sample whose denominator vanishes, or whose residual doubled, takes Picard's step.
#pragma once

#include "optdnn/solvers/method.h"

namespace optdnn::solvers {

class Broyden : public Method {
 public:
  explicit Broyden(const BroydenSpec& spec) : memory_(spec.memory), left_(memory_), right_(memory_) {}
  torch::Tensor next(const torch::Tensor& u, const torch::Tensor& f, const torch::Tensor& g) override;

 private:
  torch::Tensor times_vector(const torch::Tensor& x) const;  // H x
  torch::Tensor vector_times(const torch::Tensor& x) const;  // x^T H
  void update(const torch::Tensor& g);

  int64_t memory_, rank_ = 0;
  History left_, right_;
  torch::Tensor step_, residual_;  // s and g of the step before
};

}  // namespace optdnn::solvers
