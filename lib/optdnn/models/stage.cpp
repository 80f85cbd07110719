#include "optdnn/models/stage.h"

#include "optdnn/base/text.h"
#include "optdnn/models/linear_combination.h"

namespace optdnn::models {

using base::concat;

Stage::Stage(const algorithms::Rule& rule, std::shared_ptr<const Plan> plan, int first, int count,
             const std::vector<modules::ModuleSpec>& modules, int64_t width, bool image, double init_scale)
    : plan_(std::move(plan)), first_(first), count_(count), coefficients_(rule, plan_leaves(*plan_, first, count)) {
  for (const auto& spec : modules) shared_.push_back(modules::module_sharing(spec) == modules::Sharing::shared);
  for (int k = 0; k < count; ++k) {
    for (const PlannedCall& call : plan_->steps[first + k].calls) {
      if (!call.live) continue;
      const bool shared = shared_[call.family];
      const std::string& family = rule.families()[call.family];
      auto& module = modules_[{call.family, shared ? 0 : k, std::max(0, call.fresh)}];
      if (module) continue;
      module = modules::make_module(modules[call.family], width, shared ? count : 1, image);
      torch::NoGradGuard no_grad;
      if (init_scale != 1.0) {
        for (torch::Tensor weight : module->last_layer()) weight.mul_(init_scale);
      }
      const std::string step = call.fresh < 0 ? concat(k) : concat(k, "_", call.fresh);
      if (shared) {
        register_module(family, module);
      } else {
        steps_of(family).register_module(step, module);
      }
    }
  }
  register_module("coefficients", coefficients_);
}

// Parameters are named as in stage_0.T.3.conv1.weight; with shared modules stage_0.T.conv1.weight.
torch::nn::Module& Stage::steps_of(const std::string& family) {
  const auto children = named_children();
  if (const auto* found = children.find(family)) return **found;
  return *register_module(family, std::make_shared<torch::nn::Module>(family));
}

modules::Module& Stage::module_of(const PlannedCall& call, int k) const {
  return *modules_.at({call.family, shared_[call.family] ? 0 : k, std::max(0, call.fresh)});
}

torch::Tensor Stage::combine(const Combination& terms, const State& state, const StepResults& step) const {
  std::vector<WeightedTensor> weighted;
  weighted.reserve(terms.size());
  for (const PlannedTerm& term : terms) {
    const auto& tensors = term.source == PlannedTerm::Source::state    ? state
                          : term.source == PlannedTerm::Source::result ? step.results
                                                                       : step.arguments;
    WeightedTensor& added = weighted.emplace_back(WeightedTensor{tensors[term.index], 1.0, {}});
    if (term.weight.is_constant()) {
      added.weight = term.weight.constant();
    } else {
      added.learned =
          term.weight.evaluate<torch::Tensor>([&](const algorithms::Leaf& leaf) { return coefficients_->value(leaf); });
    }
  }
  return linear_combination(weighted);
}

State Stage::start(const torch::Tensor& input) const {
  State state;
  for (const double weight : plan_->start) {
    state.push_back(weight == 0.0 ? torch::Tensor() : weight == 1.0 ? input : input * weight);
  }
  return state;
}

State Stage::run(State state, std::vector<torch::Tensor>* path) {
  coefficients_->refresh();
  torch::Tensor like;  // for T(0), where an argument is still zero
  for (const torch::Tensor& block : state) {
    if (block.defined()) like = block;
  }
  for (int k = 0; k < count_; ++k) {
    const PlannedStep& planned = plan_->steps[first_ + k];
    StepResults step;
    for (const PlannedCall& call : planned.calls) {
      torch::Tensor argument, result;
      if (call.live) {
        argument = call.argument.empty() ? torch::zeros_like(like) : combine(call.argument, state, step);
        result = module_of(call, k).forward(argument, k);
      }
      step.arguments.push_back(std::move(argument));
      step.results.push_back(std::move(result));
    }
    State next;
    for (const Combination& terms : planned.next) {
      next.push_back(terms.empty() ? torch::Tensor() : combine(terms, state, step));
    }
    state = std::move(next);
    const Combination& output = plan_->outputs[first_ + k];
    if (path && !output.empty()) path->push_back(combine(output, state, {}));
  }
  return state;
}

torch::Tensor Stage::output(const State& state) const { return combine(plan_->outputs.back(), state, {}); }

}  // namespace optdnn::models
