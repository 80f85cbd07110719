#include "optdnn/training/weight_update.h"

#include "optdnn/training/flat_update.h"
#include "optdnn/training/gradients.h"
#include "optdnn/training/stacked.h"

namespace optdnn::training {

using torch::Tensor;

WeightUpdate::WeightUpdate(const UpdateParts& parts, const torch::Device& device) : parts_(parts) {
  if (parts_.runs > 1) {
    std::vector<Tensor> runs;
    for (const auto& parameter : parts_.parameters)
      runs.push_back(torch::arange(parts_.runs).repeat_interleave(parameter.second.numel() / parts_.runs));
    run_of_weight_ = torch::cat(runs).to(device);
  }
  if (!device.is_cpu()) rate_ = torch::zeros({}, torch::TensorOptions().device(device));
}

void WeightUpdate::begin(double learning_rate) {
  learning_rate_ = learning_rate;
  if (rate_.defined()) rate_.fill_(learning_rate);
}

void WeightUpdate::run() {
  if (!flat_update_fits(parts_)) return by_operators();
  flat_update(parts_, rate_);
  clear_gradients(parts_.parameters);
}

void WeightUpdate::by_operators() {
  StepControl control;
  if (rate_.defined()) control.learning_rate = rate_;
  Tensor overflowed;
  auto& [parameters, optimizer, guard, ema, scale, clip, watches_gradient, runs] = parts_;
  const bool wants_norm = clip || watches_gradient;
  const auto gradients = scale || wants_norm ? gradients_of(parameters) : std::vector<Tensor>{};
  if (scale) overflowed = scale->unscale(gradients);
  const Tensor norms = wants_norm ? gradient_norm(gradients, runs) : Tensor();
  if (wants_norm && !scale) guard.watch(norms, "gradient");
  if (guard.all_diverged()) return;
  if (clip) {
    const Tensor divide = (norms / *clip).clamp_min(1);
    if (runs == 1) control.divide = divide;
    for (const Tensor& gradient : runs > 1 ? gradients : std::vector<Tensor>{}) {
      gradient.div_(per_run_like(divide, gradient));
    }
  }
  if (runs == 1) control.skip = guard.skip();
  if (scale) control.skip = torch::maximum(control.skip.value_or(overflowed), overflowed);
  const Tensor before = runs > 1 && guard.frozen() ? all_weights() : Tensor();
  optimizer.step(learning_rate_, control);
  if (before.defined()) give_back(before, *guard.frozen());
  clear_gradients(parameters);
  if (scale) scale->update(overflowed);
  if (ema) ema->update();
}

// Every number of the stacked parameters, one parameter after another.
Tensor WeightUpdate::all_weights() const {
  std::vector<Tensor> parts;
  for (const auto& parameter : parts_.parameters) parts.push_back(parameter.second.detach().reshape(-1));
  return torch::cat(parts);
}

// Runs that are frozen get their weights of before the update. Few operators, whatever the number of parameters.
void WeightUpdate::give_back(const Tensor& before, const Tensor& frozen_R) {
  const torch::NoGradGuard no_grad;
  const Tensor kept = torch::where(frozen_R.index_select(0, run_of_weight_), before, all_weights());
  std::vector<Tensor> weights, parts;
  int64_t begin = 0;
  for (const auto& parameter : parts_.parameters) {
    const Tensor& weight = weights.emplace_back(parameter.second);
    parts.push_back(kept.narrow(0, begin, weight.numel()).view_as(weight));
    begin += weight.numel();
  }
  at::_foreach_copy_(weights, parts);
}

}  // namespace optdnn::training
