#include "optdnn/training/run_rates.h"

#include <algorithm>

#include "optdnn/training/parameter_group.h"
#include "optdnn/training/stacked.h"

namespace optdnn::training {

using torch::Tensor;

RunRates rates_of(const OptimizerSpec& spec) {
  return std::visit([](const auto& s) { return RunRates{s.learning_rate, s.weight_decay}; }, spec);
}

OptimizerSpec with_rates(OptimizerSpec spec, const RunRates& rates) {
  std::visit(
      [&](auto& s) {
        s.learning_rate = rates.learning_rate;
        s.weight_decay = rates.weight_decay;
      },
      spec);
  return spec;
}

namespace {

class PerRunOptimizer : public Optimizer {
 public:
  PerRunOptimizer(const OptimizerSpec& spec, const NamedParameters& parameters, const std::vector<RunRates>& rates)
      : decoupled_(std::holds_alternative<AdamwSpec>(spec)), first_(rates.front().learning_rate) {
    for (const RunRates& run : rates) largest_ = std::max(largest_, run.learning_rate);
    std::vector<double> shares, decays;
    for (const RunRates& run : rates) {
      shares.push_back(run.learning_rate / largest_);
      decays.push_back(run.weight_decay * (decoupled_ ? run.learning_rate / first_ : 1));
    }
    const auto device = parameters.front().second.device();
    share_R_ = torch::tensor(shares, torch::kFloat64).to(device);
    decay_R_ = torch::tensor(decays, torch::kFloat64).to(device);
    inner_ = make_optimizer(with_rates(spec, {largest_, 0}), parameters, /*stacked=*/true);
    const DecayOn decay_on = std::visit([](const auto& s) { return s.decay_on; }, spec);
    const GroupRules rules{1, /*weight_decay=*/1, decay_on, std::nullopt};
    for (const ParameterGroup& group : make_groups(parameters, rules, 0, /*stacked=*/true)) {
      all_.insert(all_.end(), group.parameters.begin(), group.parameters.end());
      if (group.weight_decay > 0) decayed_.insert(decayed_.end(), group.parameters.begin(), group.parameters.end());
    }
  }

  void step(double learning_rate, const StepControl& control) override {
    const torch::NoGradGuard no_grad;
    const Tensor rate = control.learning_rate.value_or(torch::scalar_tensor(learning_rate, torch::kFloat64));
    for (Tensor& weights : decayed_) decay(weights, rate);
    std::vector<Tensor> before;
    for (const Tensor& weights : all_) before.push_back(weights.detach().clone());
    StepControl at_largest = control;
    if (control.learning_rate) at_largest.learning_rate = rate * (largest_ / first_);
    inner_->step(learning_rate / first_ * largest_, at_largest);
    for (size_t i = 0; i < all_.size(); ++i) {
      const Tensor share = per_run_like(share_R_.to(all_[i].scalar_type()), all_[i]);
      all_[i].copy_(torch::lerp(before[i], all_[i], share));
    }
  }

  TensorMap state() const override { return inner_->state(); }

 private:
  void decay(Tensor& weights, const Tensor& learning_rate) const {
    if (!weights.grad().defined()) return;
    const Tensor decay = per_run_like(decay_R_.to(weights.scalar_type()), weights);
    if (decoupled_) {
      weights.mul_(1 - learning_rate.to(decay.scalar_type()) * decay);
    } else {
      weights.mutable_grad().add_(weights * decay);
    }
  }

  bool decoupled_;
  double first_, largest_ = 0;  // learning rates
  Tensor share_R_, decay_R_;
  std::unique_ptr<Optimizer> inner_;
  std::vector<Tensor> all_, decayed_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, const NamedParameters& parameters,
                                          const std::vector<RunRates>& rates) {
  return std::make_unique<PerRunOptimizer>(spec, parameters, rates);
}

}  // namespace optdnn::training
