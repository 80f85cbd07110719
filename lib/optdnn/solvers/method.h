// What tells the solvers apart: the next iterate from the latest u and F(u), and what was kept of those before.
#pragma once

#include <torch/torch.h>

#include <memory>

#include "optdnn/solvers/spec.h"

namespace optdnn::solvers {

// An extrapolation is given up where the squared residual grew by more than this: where the residual doubled.
constexpr double kDoubled = 4.0;

class Method {
 public:
  virtual ~Method() = default;
  // Shapes: S x N; f = F(u), g = f - u. Where a row cannot be extrapolated it is f, Picard's step.
  virtual torch::Tensor next(const torch::Tensor& u, const torch::Tensor& f, const torch::Tensor& g) = 0;
};

std::unique_ptr<Method> make_method(const SolverSpec& spec);

// The latest rows of each sample, as one tensor S x memory x N.
class History {
 public:
  explicit History(int64_t memory) : memory_(memory) {}

  // Puts a row at `slot`. In place, unless autograd looks on.
  void put(int64_t slot, const torch::Tensor& row_SN);
  // Shapes: S x count, the inner products of the first `count` rows with x.
  torch::Tensor dots(const torch::Tensor& x_SN, int64_t count) const;
  // Shapes: S x N, the sum of the first rows with these weights, S x count.
  torch::Tensor combination(const torch::Tensor& weights) const;

 private:
  int64_t memory_;
  torch::Tensor rows_;
};

}  // namespace optdnn::solvers
