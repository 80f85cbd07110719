// Adam (Kingma, Ba 2015) and AdamW (Loshchilov, Hutter 2019):
//   m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2,   w -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
// with weight_decay w added to g, or, decoupled, w first multiplied by 1 - lr weight_decay.
#include "optdnn/training/adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>

namespace optdnn::training {

Adam::Adam(const AdamFields& spec, bool decoupled, std::vector<ParameterGroup> groups)
    : spec_(spec), decoupled_(decoupled), groups_(std::move(groups)) {
  const auto device = groups_.empty() ? torch::Device(torch::kCPU) : groups_.front().parameters.front().device();
  step_ = torch::zeros({}, torch::TensorOptions().dtype(torch::kFloat32).device(device));
}

void Adam::step(double learning_rate, const StepControl& control) {
  const torch::NoGradGuard no_grad;
  step_.add_(1);
  if (control.skip) step_.sub_(*control.skip);
  for (const ParameterGroup& group : groups_) {
    const FusedLists lists(group);
    if (lists.parameters.empty()) continue;
    const std::vector<torch::Tensor> steps(lists.parameters.size(), step_);
    const auto update = [&](const auto&... rest) {
      const std::vector<torch::Tensor> no_maxima;  // of the amsgrad variant
      decoupled_ ? at::_fused_adamw_(lists.parameters, lists.gradients, lists.moments[0], lists.moments[1], no_maxima,
                                     steps, rest...)
                 : at::_fused_adam_(lists.parameters, lists.gradients, lists.moments[0], lists.moments[1], no_maxima,
                                    steps, rest...);
    };
    at_rate_of(group, learning_rate, control, [&](const auto& rate) {
      update(rate, spec_.betas[0], spec_.betas[1], group.weight_decay, spec_.epsilon, /*amsgrad=*/false,
             /*maximize=*/false, control.divide, control.skip);
    });
  }
}

std::optional<StepRule> Adam::rule() const {
  return StepRule{groups_, spec_.betas, spec_.epsilon, /*nesterov=*/false, decoupled_, step_};
}

TensorMap Adam::state() const {
  TensorMap state{{"step", step_}};
  add_moments(state, groups_, {"first_moment", "second_moment"});
  return state;
}

}  // namespace optdnn::training
