#include "optdnn/training/divergence.h"

#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::training {

DivergenceGuard::DivergenceGuard(bool deferred, const torch::Device& device, const Length& length, int64_t accumulate)
    : length_(length), accumulate_(accumulate) {
  if (deferred) first_ = torch::full({}, -1, torch::TensorOptions().dtype(torch::kInt64).device(device));
}

void DivergenceGuard::watch(const torch::Tensor& value, std::string_view what, int64_t batch) {
  const torch::NoGradGuard no_grad;
  if (first_.defined()) {
    first_.masked_fill_(first_.lt(0).logical_and(value.isfinite().logical_not()), batch);
  } else if (!std::isfinite(value.item<double>())) {
    fail(what, batch);
  }
}

void DivergenceGuard::check() const {
  const int64_t batch = first_.defined() ? first_.item<int64_t>() : -1;
  if (batch >= 0) fail("loss or gradient", batch);
}

std::optional<torch::Tensor> DivergenceGuard::skip() const {
  return first_.defined() ? std::optional(first_.ge(0).to(torch::kFloat32)) : std::nullopt;
}

void DivergenceGuard::fail(std::string_view what, int64_t batch) const {
  const int64_t iteration = batch / accumulate_, epoch = iteration / length_.iterations_per_epoch;
  throw base::DivergedError(base::concat("the ", what, " of iteration ", iteration + 1, " (epoch ", epoch + 1,
                                         ", batch ", batch - epoch * length_.iterations_per_epoch * accumulate_ + 1,
                                         ") is not finite; the weights are those after iteration ", iteration),
                            "a smaller learning_rate, a longer warmup or a gradient_clip may help");
}

}  // namespace optdnn::training
