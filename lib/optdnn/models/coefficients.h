// The learnable coefficients of one stage: a parameter per name, a slot per index tuple the stage's steps use.
// A coefficient with a range [lo, hi] is lo + (hi - lo) sigmoid(raw), so that no weight update can leave the range.
#pragma once

#include <torch/torch.h>

#include <map>
#include <set>

#include "optdnn/algorithms/leaf_table.h"

namespace optdnn::models {

class CoefficientsImpl : public torch::nn::Module {
 public:
  CoefficientsImpl(const algorithms::Rule& rule, const std::set<algorithms::Leaf>& leaves);

  // Computes the values once per forward pass; value() reads them.
  void refresh();
  // Shapes: a scalar; with runs, one value per run.
  const torch::Tensor& value(const algorithms::Leaf& leaf) const { return values_.at(leaf); }

  // The current values, without gradient; with runs, those of one of them.
  algorithms::LeafTable numbers(int64_t run = 0) const;

 private:
  struct Slots {
    torch::Tensor raw;  // n, or runs x n
    std::optional<algorithms::Range> range;
    std::vector<algorithms::Leaf> leaves;
  };
  torch::Tensor in_range(const Slots& slots) const;

  std::map<int, Slots> slots_;  // by coefficient
  std::map<algorithms::Leaf, torch::Tensor> values_;
};
TORCH_MODULE(Coefficients);

}  // namespace optdnn::models
