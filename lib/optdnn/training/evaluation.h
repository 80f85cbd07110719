// What a network achieves on a data set.
//   margin             min over samples of f_y(x) - max of the other outputs: positive where all are right
//   normalized_margin  the same, each sample's divided by the norm of its gradient in x: to first order its distance
//                      to the decision boundary. Samples on which the network is constant and undecided (0/0) have
//                      none, and where the smallest is not finite there is no such number at all
#pragma once

#include <torch/torch.h>

#include <functional>
#include <optional>
#include <string_view>

#include "optdnn/metrics/record.h"

namespace optdnn::training {

struct Evaluation {
  double loss = 0;
  int64_t samples = 0;
  std::optional<double> error_pct;                  // of classes
  std::optional<double> margin, normalized_margin;  // of classes, where they were asked for
  std::optional<double> mse, l1, sup_error;  // of a regression: means over samples and dimensions, and the maximum

  // What smaller is better: error_pct, or mse.
  double headline() const { return error_pct ? *error_pct : mse.value_or(loss); }
  // As <prefix>/loss, <prefix>/error_pct, ...
  void add_to(metrics::Record& record, std::string_view prefix) const;
};

// Of each sample, by the definitions above.
struct Margins {
  torch::Tensor margin, normalized;
};
// Shapes: inputs_BD (or any input), targets_B -> B and B; of several runs inputs_RBD, targets_RB -> R x B and R x B.
// Requires two classes or more.
using Forward = std::function<torch::Tensor(const torch::Tensor& inputs)>;
Margins margins_of(const Forward& outputs_of, const torch::Tensor& inputs, const torch::Tensor& targets);

}  // namespace optdnn::training
