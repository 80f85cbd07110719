#include "optdnn/training/evaluation.h"

#include <limits>

namespace optdnn::training {

void Evaluation::add_to(metrics::Record& record, std::string_view prefix) const {
  const auto put = [&](std::string_view name, std::optional<double> value) {
    if (value) record.set(std::string(prefix) + "/" + std::string(name), *value);
  };
  put("loss", loss);
  put("error_pct", error_pct);
  put("margin", margin);
  put("normalized_margin", normalized_margin);
  put("mse", mse);
  put("l1", l1);
  put("sup_error", sup_error);
}

Margins margins_of(const Forward& outputs_of, const torch::Tensor& inputs, const torch::Tensor& targets) {
  const torch::AutoGradMode with_grad(true);
  const torch::Tensor x = inputs.detach().clone().requires_grad_();
  const torch::Tensor outputs = outputs_of(x);
  const torch::Tensor right = targets.unsqueeze(-1);
  const torch::Tensor others = outputs.scatter(-1, right, -std::numeric_limits<double>::infinity());
  const torch::Tensor margin = outputs.gather(-1, right).squeeze(-1) - others.amax(-1);
  const torch::Tensor gradient = torch::autograd::grad({margin.sum()}, {x}).front();
  const torch::Tensor slope = gradient.flatten(targets.dim()).norm(2, -1);
  const torch::Tensor ratio = margin.detach() / slope;
  return {margin.detach(), ratio.masked_fill(ratio.isnan(), std::numeric_limits<double>::infinity())};
}

}  // namespace optdnn::training
