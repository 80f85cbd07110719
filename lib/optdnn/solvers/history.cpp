// The rows that Anderson's and Broyden's methods keep: their inner products and combinations.
#include "optdnn/solvers/method.h"

namespace optdnn::solvers {

void History::put(int64_t slot, const torch::Tensor& row_SN) {
  if (!rows_.defined()) rows_ = torch::zeros({row_SN.size(0), memory_, row_SN.size(1)}, row_SN.options());
  if (torch::GradMode::is_enabled()) {
    rows_ = rows_.select_scatter(row_SN, 1, slot);
  } else {
    rows_.select(1, slot).copy_(row_SN);
  }
}

torch::Tensor History::dots(const torch::Tensor& x_SN, int64_t count) const {
  // A row by a matrix: several times as fast as a matrix by a column.
  return torch::bmm(x_SN.unsqueeze(1), rows_.narrow(1, 0, count).transpose(1, 2)).squeeze(1);
}

torch::Tensor History::combination(const torch::Tensor& weights) const {
  return torch::bmm(weights.unsqueeze(1), rows_.narrow(1, 0, weights.size(1))).squeeze(1);
}

}  // namespace optdnn::solvers
