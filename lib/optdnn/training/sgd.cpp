// SGD with momentum, as PyTorch defines it:
//   g = gradient + weight_decay w,   v = momentum v + g,   w -= lr (nesterov ? g + momentum v : v)
#include "optdnn/training/sgd.h"

#include <ATen/ops/_fused_sgd.h>

namespace optdnn::training {

void Sgd::step(double learning_rate, const StepControl& control) {
  const torch::NoGradGuard no_grad;
  for (const ParameterGroup& group : groups_) {
    const FusedLists lists(group);
    if (lists.parameters.empty()) continue;
    const auto momenta = spec_.momentum > 0 ? lists.moments[0] : std::vector<torch::Tensor>{};
    // v starts at zero, so the first step needs no case of its own.
    const auto update = [&](const auto& rate) {
      at::_fused_sgd_(lists.parameters, lists.gradients, momenta, group.weight_decay, spec_.momentum, rate,
                      /*dampening=*/0.0, spec_.nesterov, /*maximize=*/false, /*is_first_step=*/false, control.divide,
                      control.skip);
    };
    at_rate_of(group, learning_rate, control, update);
  }
}

std::optional<StepRule> Sgd::rule() const { return StepRule{groups_, {spec_.momentum, 0}, 0, spec_.nesterov}; }

TensorMap Sgd::state() const {
  TensorMap state;
  add_moments(state, groups_, {"momentum"});
  return state;
}

}  // namespace optdnn::training
