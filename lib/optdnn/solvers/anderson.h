// Anderson's acceleration: of the latest m evaluations, with residuals g_i = F(u_i) - u_i,
//
//   u+ = sum_i a_i (F(u_i) - d g_i),   a = argmin |sum_i a_i g_i| subject to sum_i a_i = 1
//
// The Gram matrix of the residuals gets one new row a step. It is scaled to a unit diagonal before a ridge is added,
// so that the ridge means the same for early and late residuals.
// Source: Walker, Ni 2011. Choice: a step that doubled the residual, or a system without a finite solution, is followed
// by Picard's step.
#pragma once

#include "optdnn/solvers/method.h"

namespace optdnn::solvers {

class Anderson : public Method {
 public:
  explicit Anderson(const AndersonSpec& spec) : spec_(spec), values_(spec.memory), residuals_(spec.memory) {}
  torch::Tensor next(const torch::Tensor& u, const torch::Tensor& f, const torch::Tensor& g) override;

 private:
  // Shapes: S x count.
  torch::Tensor weights(int64_t slot, int64_t count);

  AndersonSpec spec_;
  History values_, residuals_;
  torch::Tensor gram_;  // S x m x m, double
  torch::Tensor last_;  // S: |g|^2 of the step before
  int64_t taken_ = 0;
};

}  // namespace optdnn::solvers
